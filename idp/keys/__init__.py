"""What we sign and seal with: random secrets and their hashes, the master key, signing keys.

Owns cryptography: `secrets` (256-bit random values, kept as SHA-256), `master` (sealing and derived values under the
master key, which lives outside the database), `keyring` (signing keys: made, parsed once, published, rotated). Does not
own storage: rows come in and go out as values. The top-level folder `keys/` holds the master key of an installation.
"""

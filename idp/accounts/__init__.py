"""Who the end-user is, and what a person does: one verb-named function for each act, which the views call.

Owns passwords, signing in, reset, profile, registration, confirmation and the acts of staff on accounts. An act takes the
`Provider` first, opens its transaction visibly and once, and says no with a `Refusal`. Does not own words (web), rows
(store) or decisions (policy). Passwords are hashed outside of transactions, in the hasher's own thread.
"""

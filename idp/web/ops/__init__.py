"""What operators and developers see: health of the process, and the mailbox of a development installation.

`/healthz` the process answers · `/readyz` it can do its work · `/mailbox` mails that the `mailbox:` transport kept, only on
a loopback issuer.
"""

"""The protocol's face: `/oauth/authorize` with its pages, `/oauth/logout`, and the endpoints that clients call.

`authorize` `/oauth/authorize`, `/oauth/continue/<handle>` (sign-in comes back here; consent, choice of account and the page
for pending customers answer here) · `logout` `/oauth/logout`, `/signed-out/<handle>`, `/sign-out` · for machines `token`,
`userinfo`, `introspect`, `revoke`, `jwks`, `discovery`, which share `machine`.
"""

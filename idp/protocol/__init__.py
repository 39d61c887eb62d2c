"""What the specifications say: one module for each, plain functions of values, no Flask.

The authorization endpoint is `parameters` (bytes to values), `authorization_request` (parse, then a list of checks),
`authorization_response` (the way back) and `id_token_hint`; what is decided about a sound request is in
`policy.interaction`. Logging out is `logout`; the tokens that tell sites of it are in `signals.backchannel`.

The endpoints that machines call (`endpoint` has their request and answer, `client_authentication` knows who asks):
`token_endpoint` with its grants `authorization_code` (and `pkce`), `refresh_token` and `client_credentials`, which mint an
`access_token` and an `id_token`; `userinfo` and `introspection`, which read what a token says now; `revocation`, which ends
one; `discovery`. `resource_indicators` says whom an access token is for, `jwt_access_token` and `encryption` what tokens
look like. `authorization_server` hangs the grants into Authlib's frame.
"""

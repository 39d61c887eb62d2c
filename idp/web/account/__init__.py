"""The customer's pages: registration and confirmation, sign-in, forgotten password, dashboard, profile, security.

`sign_in` /sign-in · `forgot` /forgot-password, /reset · `dashboard` / · `profile` /account · `security` /account/security
`help_page` /help, /contact · `interests` /account/interests
"""

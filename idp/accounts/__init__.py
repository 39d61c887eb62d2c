"""Who the end-user is and what people do: register, confirm, sign in, change, leave.

One verb-named function for each act, which the view calls; it opens the one transaction of the act. What is decided is in
`policy`, what is remembered in `store`.
"""

"""What others must learn: how rows of the outbox leave the house.

Owns the `worker` (claims, delivers, retries, keeps house), the guarded `fetcher` for every request that the provider
itself makes, and one module for each signal (`backchannel`: logout tokens to sites). Who delivers which kind of row is
wired in `create_app` (`Provider.deliveries`): a function of provider and item that returns when the receiver has it,
raises `TryLater` where another try may help and `GiveUp` where none will. Does not decide who must learn what.
"""

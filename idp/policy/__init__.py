"""What we decide: approval, consent, sign-in strength, what ends what.

Takes values and returns decisions that carry their reasons; imports no other room.
"""

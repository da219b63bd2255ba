"""ABMF: accounts, sessions, reservations and the ledger. Pure: no clock, no I/O, no knowledge of prices.

Records are mutable and are changed in place by `ocs.quota.ledger`; what is written to a store are their
immutable rows (`Account.row()` and so on), taken when a batch is sealed.
"""

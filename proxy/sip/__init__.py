"""The SIP codec and transaction layer: sans-IO, standard library only."""

"""The ledger of hidden dangers: steps, close-out conditions, clocks, proofs, sheets."""

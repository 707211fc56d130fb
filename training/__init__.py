"""Making recogniser models: never imported by the running system but for `fengsui model train` and `convert`."""

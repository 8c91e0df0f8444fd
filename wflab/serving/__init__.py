"""The lab as a sidecar: its gateway, and the programs beside it. The one room of the notebook's side that needs the extra `wflab[gateway]`."""

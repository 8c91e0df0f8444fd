"""Doors in: the lab as a Dapr sidecar. The only room that needs the extra `wflab[gateway]`; nothing else imports it at the top."""

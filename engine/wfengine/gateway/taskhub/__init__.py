"""The task hub: workers that connect over gRPC make turns and attempts, and clients manage instances, as under Dapr's sidecar."""

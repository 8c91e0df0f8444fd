"""A program of Dapr's SDK: takes what is published to `orders` by a stream, and says so in lines, until it is ended."""

from dapr.clients import DaprClient

with DaprClient() as client:
    subscription = client.subscribe("pubsub", "orders")
    print("subscribed", flush=True)
    for message in subscription:
        print(message.data(), flush=True)
        subscription.respond_success(message)

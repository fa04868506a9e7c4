"""Talks to a Greengrass nucleus with AWS's own event-stream runtime (awscrt).

Usage: ipc_client.py SOCKET TOKEN

Goes through one conversation and prints what the runtime saw of it, one JSON
object per step: {"step": name, ...}. It judges nothing; who runs it does.
"""
import base64
import json
import queue
import sys

from awscrt.eventstream import Header
from awscrt.eventstream.rpc import (
    ClientConnection,
    ClientConnectionHandler,
    ClientContinuationHandler,
    MessageType,
)
from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, SocketDomain, SocketOptions

TIMEOUT = 20  # seconds, of anything that is waited for
NAMESPACE = "aws.greengrass#"


def described(headers, payload, message_type, flags):
    """A message as JSON; the headers of the framing itself are left out."""
    try:
        body = json.loads(payload) if payload else None
    except ValueError:
        body = payload.decode("utf-8", "replace")
    names = ("service-model-type", ":content-type")
    return {
        "type": message_type.name,
        "flags": int(flags),
        "headers": {h.name: h.value for h in headers if h.name in names},
        "payload": body,
    }


class Connection(ClientConnectionHandler):
    """One connection, with what arrives on stream 0."""

    def __init__(self, bootstrap, path):
        self.messages = queue.Queue()
        self.ended = queue.Queue()
        options = SocketOptions()
        options.domain = SocketDomain.Local
        ClientConnection.connect(
            handler=self, host_name=path, port=0, bootstrap=bootstrap, socket_options=options
        ).result(TIMEOUT)

    def on_connection_setup(self, connection, error, **kwargs):
        self.connection = connection

    def on_connection_shutdown(self, reason, **kwargs):
        self.messages.put(None)
        self.ended.put(True)

    def on_protocol_message(self, headers, payload, message_type, flags, **kwargs):
        self.messages.put(described(headers, payload, message_type, flags))

    def authenticate(self, token):
        """The answer to the connect request, None for a hang-up."""
        self.connection.send_protocol_message(
            message_type=MessageType.CONNECT,
            headers=[Header.from_string(":version", "0.1.0")],
            payload=json.dumps({"authToken": token}).encode(),
        )
        return self.messages.get(timeout=TIMEOUT)

    def ping(self, payload):
        self.connection.send_protocol_message(
            message_type=MessageType.PING, payload=payload, headers=[Header.from_string("trace", "a")]
        ).result(TIMEOUT)

    def stream(self, operation, request):
        return Stream(self.connection, operation, request)

    def close(self):
        self.connection.close()
        self.ended.get(timeout=TIMEOUT)


class Stream(ClientContinuationHandler):
    """One call or subscription, with what arrives on it."""

    def __init__(self, connection, operation, request):
        self.messages = queue.Queue()
        self.closed = False
        self.continuation = connection.new_stream(self)
        self.continuation.activate(
            operation=NAMESPACE + operation,
            message_type=MessageType.APPLICATION_MESSAGE,
            headers=[
                Header.from_string("service-model-type", NAMESPACE + operation + "Request"),
                Header.from_string(":content-type", "application/json"),
            ],
            payload=json.dumps(request).encode(),
        )

    def on_continuation_message(self, headers, payload, message_type, flags, **kwargs):
        self.messages.put(described(headers, payload, message_type, flags))

    def on_continuation_closed(self, **kwargs):
        self.closed = True
        self.messages.put(None)

    def next(self):
        return self.messages.get(timeout=TIMEOUT)

    def answer(self):
        """The first message, and whether the nucleus then closed the stream."""
        message = self.next()
        return message, bool(message and message["flags"] & 2) and self.next() is None

    def terminate(self):
        self.continuation.send_message(message_type=MessageType.APPLICATION_MESSAGE, flags=2).result(TIMEOUT)


def show(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)


def binary(topic, data):
    return {"topic": topic, "publishMessage": {"binaryMessage": {"message": base64.b64encode(data).decode()}}}


def converse(bootstrap, path, token):
    refused = Connection(bootstrap, path)
    show("wrong token", answer=refused.authenticate("FFFFFFFFFFFFFFFF"))
    refused.ended.get(timeout=TIMEOUT)

    c = Connection(bootstrap, path)
    show("connect", answer=c.authenticate(token))

    events = c.stream("SubscribeToTopic", {"topic": "a", "receiveMode": "RECEIVE_ALL_MESSAGES"})
    show("subscribe", answer=events.next())
    message, closed = c.stream("PublishToTopic", binary("a", b"\x00hello")).answer()
    show("publish", answer=message, closed=closed, event=events.next())

    for i in range(1000):
        c.stream("PublishToTopic", binary("a", str(i).encode()))
    numbers = []
    for _ in range(1000):
        body = events.next()["payload"]
        numbers.append(int(base64.b64decode(body["binaryMessage"]["message"])))
    show("thousand", in_order=numbers == list(range(1000)))

    events.terminate()
    show("terminate", closed=events.next() is None)

    for step, operation, request in (
        ("unknown operation", "NoSuchOperation", {}),
        ("missing key", "GetConfiguration", {"keyPath": ["none"]}),
        ("read", "GetConfiguration", {"keyPath": ["threshold"]}),
        ("whole timestamp", "UpdateConfiguration", {"keyPath": ["x"], "timestamp": 1795170000, "valueToMerge": "y"}),
        ("timestamp", "UpdateConfiguration", {"keyPath": ["x"], "timestamp": 1795170000.5, "valueToMerge": "y"}),
        ("state", "UpdateState", {"state": "RUNNING"}),
        ("iot core", "PublishToIoTCore", {"topicName": "a", "qos": "1", "payload": "aGVsbG8="}),
        ("shadow", "GetThingShadow", {"thingName": "home", "shadowName": ""}),
        ("exception", "RestartComponent", {"componentName": "x"}),
    ):
        message, closed = c.stream(operation, request).answer()
        show(step, answer=message, closed=closed)

    c.ping(b"there?")
    show("still open", open=c.connection.is_open())
    c.stream("PublishToTopic", binary("a", bytes(8000)))
    # Stream 0: the answer to the ping, or the end of the connection.
    show("large", first=c.messages.get(timeout=TIMEOUT))
    c.close()


def main():
    path, token = sys.argv[1:]
    group = EventLoopGroup(1)
    converse(ClientBootstrap(group, DefaultHostResolver(group)), path, token)


if __name__ == "__main__":
    main()

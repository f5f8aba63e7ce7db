"""A gRPC service that sends back what it was sent, in its messages and in its trailers.

usage: grpc_service.py SEEN CERT KEY
"""

import sys
from concurrent import futures

import grpc
import origin


def echo(request, context):
    sent = dict(context.invocation_metadata())
    origin.note(headers=sent, message=request.decode())
    context.set_trailing_metadata([("x-echo", sent.get("authorization", "nothing")), ("x-end", "reached")])
    for number in range(3):
        yield f"{number} {request.decode()} {sent.get('authorization')}".encode()


method = grpc.unary_stream_rpc_method_handler(echo)
handler = grpc.method_handlers_generic_handler("test.Echo", {"Say": method})
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([handler])
certificate, key = (open(path, "rb").read() for path in sys.argv[2:4])
port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
server.start()
print(port, flush=True)
server.wait_for_termination()

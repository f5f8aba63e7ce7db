"""The same for mitmproxy."""


def request(flow):
    flow.request.headers["Authorization"] = "Bearer real-secret-of-the-bench"

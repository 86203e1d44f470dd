"""nginx as deploy/nginx/usertrail.conf has it, in front of API servers of a test: with addresses and times of the test's, which is all
that is changed of that file."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import service as services
import wire

CONF = services.ROOT / "deploy" / "nginx" / "usertrail.conf"
UNPACKED = services.ROOT / "build" / "nginx" / "usr" / "sbin" / "nginx"  # by tools/setup
PROGRAM = str(UNPACKED) if UNPACKED.exists() else shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
KEPT_SECONDS = 0.5  # idle connections to a server, instead of two seconds
DELAY_FLAGS = ("--shutdown-delay", "2500ms")  # longer than that, and than a server is taken for away

# Nothing outside of its folder; a line for each request with what the servers answered.
AROUND = """
daemon off;
master_process on;
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/errors.log warn;
events {{ worker_connections 1024; }}
http {{
    log_format requests escape=json '{{"status":$status,"method":"$request_method","upstream":"$upstream_status",'
                                    '"seconds":$request_time}}';
    access_log {home}/requests.log requests;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    scgi_temp_path {home}/scgi;
    uwsgi_temp_path {home}/uwsgi;
    include {home}/usertrail.conf;
}}
"""


def of_the_test(text, listen, servers):
    """The file with other addresses; each must have been there."""
    assert len(servers) == 2 and text.count("127.0.0.1:8080") == 1
    text = text.replace("127.0.0.1:8080", listen)
    for port, one in zip((3001, 3002), servers):
        assert text.count(f"127.0.0.1:{port}") == 1
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{one.port}")
    assert text.count("keepalive_timeout 2s;") == 1
    return text.replace("keepalive_timeout 2s;", f"keepalive_timeout {int(KEPT_SECONDS * 1000)}ms;")


class Front:
    """What a load client takes for a service."""

    def __init__(self, servers, change=lambda text: text):
        self.home = Path(tempfile.mkdtemp(prefix="usertrail-nginx-"))
        self.port = services.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        conf = change(of_the_test(CONF.read_text(), f"127.0.0.1:{self.port}", servers))
        (self.home / "usertrail.conf").write_text(conf)
        (self.home / "nginx.conf").write_text(AROUND.format(home=self.home))
        self.process = subprocess.Popen([PROGRAM, "-p", self.home, "-c", self.home / "nginx.conf", "-e", self.home / "errors.log"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wire.wait_until(self.answers, "nginx answers", 20 * services.PATIENCE)

    def answers(self):
        assert self.process.poll() is None, self.errors()
        with contextlib.suppress(OSError, wire.Closed), wire.Connection(self.port, 5) as connection:
            return connection.get("/livez").status == 200
        return False

    def errors(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.home / "errors.log").read_text(errors="replace")
        return ""

    def requests(self):
        """What was asked and answered so far."""
        return [json.loads(line) for line in (self.home / "requests.log").read_text().splitlines()]

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


@contextlib.contextmanager
def front(servers, **options):
    one = Front(servers, **options)
    try:
        yield one
    finally:
        one.close()


def was_tried_again(request):
    """Whether nginx went to a second server."""
    return len(re.findall(r"\d+|-", request["upstream"])) > 1

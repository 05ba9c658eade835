#!/usr/bin/python3
# An app that tries what a sandbox is there to refuse, and answers what came of it: GET /try as JSON, {name: "ok" or the error's name}.
# Behind a socket of systemd's; with an argument it tries once, without any, and prints. GET /eat?mb=N takes N MB, /fork?n=N starts N threads.
import ctypes, errno, json, os, signal, socket, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

libc = ctypes.CDLL(None, use_errno=True)
OUTSIDE = os.environ.get("PROBE_OUTSIDE", "")


def attempt(function):
    """What a child of its own came to: a filter of system calls ends the process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = function()
            answer = "ok" if said is None else str(said)
        except OSError as error:
            answer = errno.errorcode.get(error.errno, str(error))
        except BaseException as error:
            answer = repr(error)
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else answer


def call(*arguments):
    if libc.syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")


def write(path):
    with open(path, "w") as file:
        file.write("x")
    os.unlink(path)


def set_to(path, text):
    with open(path, "w") as file:
        file.write(text)


def as_it_is(path):
    with open(path) as file:
        text = file.read()
    set_to(path, text)


def read(path):
    with open(path, "rb") as file:
        file.read(1)


def connect(address, port):
    with socket.create_connection((address, port), timeout=4):
        pass


def home():
    # What lies there outside: hidden is as good as refused.
    if not os.listdir("/root") and not os.listdir("/home"):
        raise OSError(errno.ENOENT, "")


def unmount(path):
    libc.umount(path.encode())


def log():
    # SYSLOG_ACTION_READ_ALL
    if libc.klogctl(3, ctypes.create_string_buffer(16), 16) == -1:
        raise OSError(ctypes.get_errno(), "")


def trace():
    # Whether whoever asks may be traced (PTRACE_TRACEME).
    if libc.ptrace(0, 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "")


MACHINE = os.uname().machine
BPF, UNSHARE, MOUNT, CLOCK = {"x86_64": (321, 272, 165, 227), "aarch64": (280, 97, 40, 112)}[MACHINE]

TRIALS = {
    "write to /": lambda: write("/probe"),
    "write to /etc": lambda: write("/etc/probe"),
    "write to /usr": lambda: write("/usr/probe"),
    "write to /var/lib": lambda: write("/var/lib/probe"),
    "write to /run": lambda: write("/run/probe"),
    "write to /nix/store": lambda: write("/nix/store/probe"),
    "read what is in /root and /home": home,
    "read /etc/shadow": lambda: read("/etc/shadow"),
    "read what another process is": lambda: read("/proc/1/environ"),
    "set a tunable of the kernel": lambda: as_it_is("/proc/sys/net/ipv4/ip_default_ttl"),
    "read the kernel's log": log,
    "open the console": lambda: os.close(os.open("/dev/console", os.O_RDWR | os.O_NOCTTY)),
    "make a device": lambda: os.mknod("/tmp/null", 0o20600, os.makedev(1, 3)) or os.unlink("/tmp/null"),
    "change the cgroup": lambda: os.mkdir("/sys/fs/cgroup/probe") or os.rmdir("/sys/fs/cgroup/probe"),
    "trace a process": trace,
    # BPF_MAP_CREATE of an array of one.
    "load BPF": lambda: call(BPF, 0, ctypes.create_string_buffer(
        (2).to_bytes(4, "little") + (4).to_bytes(4, "little") * 2 + (1).to_bytes(4, "little") + bytes(56), 72), 72),
    "make a namespace": lambda: call(UNSHARE, 0x04000000),
    "mount": lambda: call(MOUNT, b"none", b"/mnt", b"tmpfs", 0, None) or unmount("/mnt"),
    "set the host's name": lambda: socket.sethostname(socket.gethostname()),
    "set the clock": lambda: call(CLOCK, 0, ctypes.create_string_buffer(16)),
    "become another user": lambda: os.setuid(12345),
    "run in real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "open a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(),
    "reach another machine": lambda: connect(*OUTSIDE.rsplit(":", 1)),
    "reach the loopback": lambda: connect("127.0.0.1", 22),
    "write to /tmp": lambda: write("/tmp/probe"),
}


def all_trials():
    # The clock's own trial would set it to 1970 where it may.
    chosen = {name: trial for name, trial in TRIALS.items() if len(sys.argv) == 1 or name != "set the clock"}
    return {name: attempt(trial) for name, trial in chosen.items()}


eaten = []


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        count = int(query.partition("=")[2] or 0)
        if path == "/try":
            body = json.dumps(all_trials())
        elif path == "/eat":
            eaten.append(bytearray(os.urandom(1024) * 1024 * count))
            body = str(count)
        elif path == "/fork":
            body = str(threads(count))
        elif path == "/secret":
            with open(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], "GREETING")) as file:
                body = file.read()
        elif path == "/uid":
            body = str(os.getuid())
        else:
            body = os.environ.get("APP_RELEASE", "")
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-frame-options", "DENY")
        self.end_headers()
        self.wfile.write(body.encode())

    def address_string(self):
        return "nginx"

    def log_message(self, *arguments):
        pass


def threads(count):
    done = threading.Event()
    started = 0
    try:
        for _ in range(count):
            threading.Thread(target=done.wait, daemon=True).start()
            started += 1
    except RuntimeError:
        pass
    done.set()
    return started


if len(sys.argv) > 1:
    print(json.dumps(all_trials()))
    sys.exit(0)
if os.environ.get("LISTEN_FDS") != "1":
    sys.exit("there is not one socket of systemd's")
server = HTTPServer(("", 0), Answer, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever()

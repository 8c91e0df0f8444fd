"""The rules: what each finds, and what to write instead; and the names in Python's and well-known libraries that break them."""

import msgspec


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. `is_hint`: not wrong, only seldom meant; hints are counted apart and never told when a cell is run."""

    id: str
    finds: str
    fix: str
    is_hint: bool = False


RULES = {
    rule.id: rule
    for rule in (
        Rule(id="clock", finds="the machine's time", fix="ctx.current_utc_datetime, the time of the event that is being handled"),
        Rule(
            id="random",
            finds="chance of the machine's",
            fix="ctx.random() (random_int, random_choice, random_string), ctx.new_guid() for a UUID",
        ),
        Rule(
            id="identity",
            finds="addresses and hashes, other in each process",
            fix="an id of your own: a key of the input, or ctx.new_guid()",
        ),
        Rule(
            id="io", finds="files, the network, databases, other programs", fix="an activity, or ctx.step(fn, ...): its result is recorded"
        ),
        Rule(id="environment", finds="what the process was started with", fix="the workflow's input, or an activity that reads it"),
        Rule(id="sleep", finds="waiting that nobody records", fix="ctx.create_timer(timedelta(...)), awaited"),
        Rule(
            id="concurrency",
            finds="threads, processes, event loops",
            fix="when_all([...]) or when_any([...]) of tasks; threads belong into an activity",
        ),
        Rule(
            id="set-order",
            finds="the order of a set, other in each process, that reaches actions or a list",
            fix="sorted(...) around the set",
        ),
        Rule(
            id="global-state",
            finds="variables outside that change between replays",
            fix="the workflow's input, its local variables, or an activity",
        ),
        Rule(
            id="replaying",
            finds="actions that depend on whether history is replayed",
            fix="the same actions always; is_replaying is for logs",
        ),
        Rule(id="not-a-task", finds="`yield` of what is no task", fix="yield ctx.call_activity(...) and its like, or when_all([...])"),
        Rule(
            id="output",
            finds="prints and logs at every replay",
            fix="ctx.create_replay_safe_logger(...), or `if not ctx.is_replaying:`",
            is_hint=True,
        ),
    )
}

# A name, or a beginning of names where it ends with a dot. Only calls count, but for those of ATTRIBUTES.
_NAMES: dict[str, str] = {
    "clock": """
        datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
        time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns time.process_time time.process_time_ns
        time.thread_time time.clock_gettime time.localtime time.gmtime time.ctime time.asctime time.strftime
        pandas.Timestamp.now pandas.Timestamp.utcnow pandas.Timestamp.today arrow.now arrow.utcnow pendulum.now pendulum.today
        pandas._libs.tslibs.timestamps.Timestamp.now pandas._libs.tslibs.timestamps.Timestamp.utcnow
    """,
    "random": "random. secrets. numpy.random. uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7 uuid.uuid8 os.urandom os.getrandom",
    "identity": "builtins.id builtins.hash",
    "io": """
        builtins.open builtins.input io.open requests. httpx. aiohttp. urllib.request. urllib3. http.client. socket. smtplib. ftplib. imaplib.
        subprocess. sqlite3. duckdb. psycopg. psycopg2. pymysql. redis. pymongo. boto3. sqlalchemy. shutil. tempfile. paramiko. pathlib.Path.
        os.open os.read os.write os.listdir os.scandir os.walk os.stat os.remove os.unlink os.rename os.replace os.mkdir os.makedirs os.rmdir
        os.system os.popen os.path.exists os.path.isfile os.path.isdir os.path.getmtime os.path.getsize glob.glob glob.iglob
        pandas.read_csv pandas.read_json pandas.read_parquet pandas.read_sql pandas.read_excel numpy.load numpy.loadtxt numpy.save
    """,
    "environment": "os.getenv os.getpid os.getppid os.getcwd os.getlogin os.cpu_count os.uname platform. getpass. sys.getsizeof locale.getlocale",
    "sleep": "time.sleep asyncio.sleep",
    "concurrency": """
        threading. multiprocessing. concurrent.futures. queue. signal. sched. os.fork
        asyncio.create_task asyncio.gather asyncio.wait asyncio.wait_for asyncio.to_thread asyncio.run asyncio.ensure_future asyncio.as_completed
        asyncio.get_event_loop asyncio.get_running_loop asyncio.new_event_loop asyncio.TaskGroup asyncio.Queue asyncio.Event asyncio.Lock
        asyncio.Semaphore asyncio.timeout asyncio.open_connection asyncio.start_server asyncio.create_subprocess_exec
    """,
    "output": "builtins.print logging. warnings.warn",
}
ATTRIBUTES = {"os.environ": "environment", "os.environb": "environment", "sys.argv": "environment", "sys.stdin": "io"}

# What stands under these beginnings and does no harm; `with_arguments` does none when it is told what to work on.
_HARMLESS = [
    "logging.getLogger",
    "logging.getLevelName",
    "pathlib.Path.joinpath",
    "pathlib.Path.with_suffix",
    "pathlib.Path.with_name",
    "pathlib.Path.relative_to",
    "pathlib.Path.as_posix",
    "pathlib.Path.is_absolute",
    "pathlib.Path.match",
    "sqlalchemy.text",
    "sqlalchemy.select",
    "socket.inet_aton",
    "socket.inet_ntoa",
    "socket.htons",
    "requests.compat.",
    "shutil.get_terminal_size",
    "httpx.URL",
    "platform.python_version",
    "tempfile.gettempprefix",
]
_HARMLESS_WITH_ARGUMENTS = {
    "random.Random": 1, "numpy.random.default_rng": 1, "numpy.random.RandomState": 1, "time.localtime": 1, "time.gmtime": 1, "time.ctime": 1,
    "time.asctime": 1, "time.strftime": 2,
}  # fmt: skip
_BY_NAME = {name: rule for rule, names in _NAMES.items() for name in names.split()}
_CLASSES_THAT_READ = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PurePosixPath"})


def rule_of_call(name: str, arguments: int) -> str | None:
    """The rule that a call of this (fully qualified) name with so many arguments breaks."""
    if name in _HARMLESS or name in _CLASSES_THAT_READ or arguments >= _HARMLESS_WITH_ARGUMENTS.get(name, 1_000):
        return None
    return _rule_of(name)


def rule_of_attribute(name: str) -> str | None:
    """The rule that reading this name breaks."""
    return ATTRIBUTES.get(name)


def _rule_of(name: str) -> str | None:
    if name in _BY_NAME:
        return _BY_NAME[name]
    parts = name.split(".")
    return next((rule for end in range(len(parts) - 1, 0, -1) if (rule := _BY_NAME.get(".".join(parts[:end]) + "."))), None)

-- The database of a study: what `megabed study` writes, `megabed report`, `megabed study --check` and anyone with
-- SQLite reads. All times are integer nanoseconds, sizes bytes, densities basis points of the vertices.
--
-- Everything but `session` and `execution` depends on the study's file, the scenarios and the version alone: it is the
-- same whether one process or many machines did the work, and whether it was interrupted on the way.
PRAGMA application_id = 1296384836;  -- "MEBD"
PRAGMA user_version = 1;             -- of this schema

-- The study itself: one row.
CREATE TABLE study (
    name        TEXT NOT NULL,     -- stem of the file
    summary     TEXT NOT NULL,
    question    TEXT NOT NULL,     -- as the file states it; may be empty
    method      TEXT NOT NULL,     -- likewise
    baseline    TEXT NOT NULL,     -- label of the policy that others are compared with
    path        TEXT NOT NULL,     -- absolute, where the file was
    text        TEXT NOT NULL,     -- the whole file
    digest      TEXT NOT NULL,     -- XXH3 (64 bits, hex) of text, scenario texts and settings
    version     TEXT NOT NULL,     -- of megabed, when the study was begun
    revision    TEXT NOT NULL,     -- of its sources
    runs        INTEGER NOT NULL   -- size of the cross product
) STRICT;

-- Files that scenarios come from, with settings of the study not yet applied.
CREATE TABLE scenario_file (
    id          INTEGER PRIMARY KEY,
    path        TEXT NOT NULL,     -- absolute
    digest      TEXT NOT NULL,     -- XXH3 (64 bits, hex) of text: the scenario's hash
    text        TEXT NOT NULL
) STRICT;

-- One run of a scenario file.
CREATE TABLE scenario (
    id          INTEGER PRIMARY KEY,
    file_id     INTEGER NOT NULL REFERENCES scenario_file(id),
    name        TEXT NOT NULL,     -- of the run in its file
    label       TEXT NOT NULL UNIQUE  -- FILE/RUN, for tables and figures
) STRICT;

-- A policy as the study names it.
CREATE TABLE policy (
    id          INTEGER PRIMARY KEY,
    label       TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,     -- what `--policy` takes
    settings    TEXT NOT NULL      -- JSON array of KEY=VALUE, what `--set` takes
) STRICT;

-- One combination of the study's parameters; a study without parameters has one, without values.
CREATE TABLE variant (
    id          INTEGER PRIMARY KEY,
    label       TEXT NOT NULL UNIQUE,  -- "width=250, threshold=4000"; empty without parameters
    settings    TEXT NOT NULL          -- JSON array of KEY=VALUE
) STRICT;
CREATE TABLE variant_value (
    variant_id  INTEGER NOT NULL REFERENCES variant(id),
    parameter   TEXT NOT NULL,     -- its name in the study
    value       TEXT NOT NULL,
    number      REAL,              -- the value where it is a number
    PRIMARY KEY (variant_id, parameter)
) STRICT;

-- One run of the study: row `id` of the cross product scenario x policy x variant x backend x seed, from 1 on, the
-- seed running fastest. A run that has not been done has no row.
CREATE TABLE run (
    id                  INTEGER PRIMARY KEY,
    scenario_id         INTEGER NOT NULL REFERENCES scenario(id),
    policy_id           INTEGER NOT NULL REFERENCES policy(id),
    variant_id          INTEGER NOT NULL REFERENCES variant(id),
    backend             TEXT NOT NULL,      -- sim, threads or cuda
    seed                INTEGER NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    error               TEXT,               -- why it failed; null when it is done
    digest              TEXT,               -- of events, decisions and records; null where it could not begin
    graph               TEXT,               -- file or SPEC; null where the workload has none
    device              TEXT,               -- name of the device profile
    device_digest       TEXT,               -- XXH3 (64 bits, hex) of the profile's file
    makespan_ns         INTEGER,
    launches            INTEGER,
    waves               INTEGER,
    levels              INTEGER,
    topology_switches   INTEGER,
    flaps               INTEGER,
    worker_groups_mean  REAL,
    arcs                INTEGER,            -- inspected
    peak_bytes          INTEGER,
    budget_bytes        INTEGER,            -- null: unbounded
    oom_rejections      INTEGER,
    drain_ns            INTEGER,            -- parts of the makespan
    relaunch_ns         INTEGER,
    compilation_ns      INTEGER,
    waiting_ns          INTEGER,
    hindsight_ns        INTEGER,            -- makespan of the best topologies in retrospect; null where unknown
    regret              REAL,               -- (makespan - hindsight) / hindsight
    items_published     INTEGER,            -- services
    items_done          INTEGER,
    items_rejected      INTEGER,
    items_requeued      INTEGER,
    latency_mean_ns     REAL,
    latency_p50_ns      INTEGER,
    latency_p99_ns      INTEGER,
    latency_max_ns      INTEGER,
    cache_hits          INTEGER,            -- requests of the run that a launch cache (128 entries, least recently
    cache_misses        INTEGER,            -- used, asked without a previous topology) serves or not; null unless the
                                            -- study asks for launch_cache
    UNIQUE (scenario_id, variant_id, seed, backend, policy_id)  -- in the order in which runs are compared
) STRICT;

-- What each topology took of a run; topologies that never ran are left out.
CREATE TABLE topology_share (
    run_id      INTEGER NOT NULL REFERENCES run(id),
    topology    TEXT NOT NULL,     -- empty, sparse, hybrid, dense, fused or memory
    launches    INTEGER NOT NULL,
    waves       INTEGER NOT NULL,
    time_ns     INTEGER NOT NULL,
    PRIMARY KEY (run_id, topology)
) STRICT, WITHOUT ROWID;

-- Launches of one topology in a row, in order, of the first seed of the first variant of every scenario, policy and
-- backend; at most 4,096 a run.
CREATE TABLE timeline (
    run_id          INTEGER NOT NULL REFERENCES run(id),
    segment         INTEGER NOT NULL,  -- from 0 on
    topology        TEXT NOT NULL,
    start_ns        INTEGER NOT NULL,
    end_ns          INTEGER NOT NULL,
    launches        INTEGER NOT NULL,
    density_min_bps INTEGER,           -- of the readings; null where none was taken
    density_max_bps INTEGER,
    PRIMARY KEY (run_id, segment)
) STRICT, WITHOUT ROWID;

-- One invocation of `megabed study` on this database.
CREATE TABLE session (
    id          INTEGER PRIMARY KEY,
    started_utc TEXT NOT NULL,     -- ISO 8601
    ended_utc   TEXT,              -- null while it runs, or when it was killed
    command     TEXT NOT NULL,
    version     TEXT NOT NULL,
    revision    TEXT NOT NULL,
    compiler    TEXT NOT NULL,
    host        TEXT NOT NULL,     -- CPU model
    system      TEXT NOT NULL,     -- kernel and machine
    cores       INTEGER NOT NULL,  -- of the first machine
    jobs        INTEGER NOT NULL,  -- threads of each process
    processes   INTEGER NOT NULL   -- MPI ranks, or 1
) STRICT;

-- Who carried a run out, and what it cost.
CREATE TABLE execution (
    run_id      INTEGER PRIMARY KEY REFERENCES run(id),
    session_id  INTEGER NOT NULL REFERENCES session(id),
    process     INTEGER NOT NULL,  -- MPI rank
    wall_ns     INTEGER NOT NULL   -- of this machine, regret included
) STRICT;

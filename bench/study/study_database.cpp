#include "bench/study/study_database.h"

#include "bench/study/study_schema.h"
#include "bench/version.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace megabed {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kApplicationId = 1'296'384'836;  // as in schema.sql
constexpr int kSchemaVersion = 1;

InputError database_error(const fs::path& path, std::string problem, std::string allowed = {}) {
    return {.where = path.string(),
            .line = {},
            .key = {},
            .problem = std::move(problem),
            .allowed = std::move(allowed)};
}

/// Calls `work`, and gives SQLite's failures as ours.
template <class Work>
auto guarded(const fs::path& path, Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const SQLite::Exception& failure) {
        if (failure.getErrorCode() == SQLITE_NOTADB) {
            return Refusal(database_error(path, "is no SQLite database", "a database of megabed study"));
        }
        return Refusal(database_error(path, fmt::format("SQLite: {}", failure.what())));
    }
}

/// A file descriptor that is closed at the end.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            (void)::close(number_);
        }
    }
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

std::string cpu_model() {
    std::ifstream cpus("/proc/cpuinfo");
    for (std::string line; std::getline(cpus, line);) {
        if (line.starts_with("model name")) {
            const std::size_t colon = line.find(": ");
            return colon == std::string::npos ? "unknown" : line.substr(colon + 2);
        }
    }
    return "unknown";
}

std::string system_name() {
    utsname names{};
    return ::uname(&names) == 0 ? fmt::format("{} {} {}", names.sysname, names.release, names.machine)
                                : "unknown";
}

std::string now_utc() {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

std::string json_list(const std::vector<std::string>& texts) { return nlohmann::json(texts).dump(); }

std::int64_t scalar(SQLite::Database& database, const char* question) {
    return database.execAndGet(question).getInt64();
}

/// Whether the file is a database of a study. An empty file is one that was never written to: false.
Loaded<bool> is_study(SQLite::Database& database, const fs::path& path) {
    if (scalar(database, "SELECT count(*) FROM sqlite_schema") == 0 &&
        scalar(database, "PRAGMA application_id") == 0) {
        return false;
    }
    if (scalar(database, "PRAGMA application_id") != kApplicationId) {
        return Refusal(database_error(path, "is a database of something else", "a database of megabed study"));
    }
    const std::int64_t version = scalar(database, "PRAGMA user_version");
    if (version != kSchemaVersion) {
        return Refusal(database_error(path, fmt::format("has version {} of the schema", version),
                                      fmt::format("{}", kSchemaVersion)));
    }
    return true;
}

void insert_study(SQLite::Database& database, const Study& study) {
    SQLite::Statement row(database, "INSERT INTO study VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    int at = 0;
    for (const std::string& text : {study.name, study.summary, study.question, study.method, study.baseline,
                                    study.path, study.text, study.digest, version(), revision()}) {
        row.bind(++at, text);
    }
    row.bind(++at, static_cast<std::int64_t>(study.runs()));
    row.exec();
}

template <class Row, class Bind>
void insert_all(SQLite::Database& database, const char* statement, const std::vector<Row>& rows, Bind bind) {
    SQLite::Statement insert(database, statement);
    std::int64_t id = 0;
    for (const Row& row : rows) {
        insert.bind(1, ++id);
        bind(insert, row);
        insert.exec();
        insert.reset();
    }
}

/// The tables that describe the study, in one transaction.
void create(SQLite::Database& database, const Study& study) {
    SQLite::Transaction transaction(database);
    database.exec(std::string(kStudySchema));
    insert_study(database, study);
    insert_all(database, "INSERT INTO scenario_file VALUES (?,?,?,?)", study.files,
               [](SQLite::Statement& insert, const StudyFile& file) {
                   insert.bind(2, file.path);
                   insert.bind(3, file.digest);
                   insert.bind(4, file.text);
               });
    insert_all(database, "INSERT INTO scenario VALUES (?,?,?,?)", study.scenarios,
               [](SQLite::Statement& insert, const StudyScenario& scenario) {
                   insert.bind(2, static_cast<std::int64_t>(scenario.file + 1));
                   insert.bind(3, scenario.name);
                   insert.bind(4, scenario.label);
               });
    insert_all(database, "INSERT INTO policy VALUES (?,?,?,?)", study.policies,
               [](SQLite::Statement& insert, const StudyPolicy& policy) {
                   insert.bind(2, policy.label);
                   insert.bind(3, policy.name);
                   insert.bind(4, json_list(policy.settings));
               });
    insert_all(database, "INSERT INTO variant VALUES (?,?,?)", study.variants,
               [](SQLite::Statement& insert, const StudyVariant& variant) {
                   insert.bind(2, variant.label);
                   insert.bind(3, json_list(variant.settings));
               });
    SQLite::Statement value_row(database, "INSERT INTO variant_value VALUES (?,?,?,?)");
    std::int64_t id = 0;
    for (const StudyVariant& variant : study.variants) {
        ++id;
        for (const ParameterValue& value : variant.values) {
            value_row.bind(1, id);
            value_row.bind(2, value.parameter);
            value_row.bind(3, value.value);
            value.number ? value_row.bind(4, *value.number) : value_row.bind(4);
            value_row.exec();
            value_row.reset();
        }
    }
    transaction.commit();
}

Loaded<void> check_same_study(SQLite::Database& database, const fs::path& path, const Study& study,
                              bool any_revision) {
    SQLite::Statement row(database, "SELECT name, digest, version || ' (' || revision || ')' FROM study");
    if (!row.executeStep()) {
        return Refusal(database_error(path, "has no study in it", "a database that megabed study began"));
    }
    const std::string name = row.getColumn(0).getString();
    if (row.getColumn(1).getString() != study.digest) {
        return Refusal(database_error(
            path,
            fmt::format("holds the study {} as it was: its file, a scenario or a settings file is another now",
                        printable(name)),
            "another --db, or the files as they were"));
    }
    const std::string ours = fmt::format("{} ({})", version(), revision());
    const std::string theirs = row.getColumn(2).getString();
    if (theirs != ours && !any_revision) {
        return Refusal(database_error(
            path, fmt::format("was begun by megabed {}, and this is {}: results may differ", theirs, ours),
            "another --db, or --any-revision"));
    }
    return {};
}

template <class Value>
void bind_value(SQLite::Statement& statement, int at, const boost::optional<Value>& value) {
    value ? statement.bind(at, *value) : statement.bind(at);
}

/// INSERT INTO run with a place for every column.
std::string run_insertion() {
    constexpr int kLeadingColumns = 12;
    int columns = kLeadingColumns;
    RunOutcome().for_each_figure([&columns](const char* /*column*/, auto& /*figure*/) { ++columns; });
    std::string places = "?";
    for (int at = 1; at < columns; ++at) {
        places += ",?";
    }
    return fmt::format("INSERT INTO run VALUES ({})", places);
}

}  // namespace

struct StudyDatabase::State {
    State(const fs::path& file, int lock_descriptor)
        : path(file),
          lock(lock_descriptor),
          database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {}

    /// Inserts that are prepared once.
    struct Inserts {
        explicit Inserts(SQLite::Database& database)
            : run(database, run_insertion()),
              share(database, "INSERT INTO topology_share VALUES (?,?,?,?,?)"),
              segment(database, "INSERT INTO timeline VALUES (?,?,?,?,?,?,?,?)"),
              execution(database, "INSERT INTO execution VALUES (?,?,?,?)") {}
        SQLite::Statement run;
        SQLite::Statement share;
        SQLite::Statement segment;
        SQLite::Statement execution;
    };

    fs::path path;
    Descriptor lock;  // closed after the database: closing any descriptor of a file drops its locks
    SQLite::Database database;
    std::optional<Inserts> inserts;
    std::int64_t session = 0;
};

StudyDatabase::StudyDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
StudyDatabase::StudyDatabase(StudyDatabase&&) noexcept = default;
StudyDatabase& StudyDatabase::operator=(StudyDatabase&&) noexcept = default;
StudyDatabase::~StudyDatabase() {
    if (state_ == nullptr) {
        return;
    }
    try {
        state_->inserts.reset();
        // One file without a log beside it, that may be copied and read anywhere.
        state_->database.exec("PRAGMA journal_mode = DELETE");
    } catch (const SQLite::Exception&) {
        // Somebody is reading: the log stays beside the file, and is as good.
    }
}

Loaded<StudyDatabase> StudyDatabase::open(const fs::path& path, const Study& study, bool any_revision) {
    std::error_code code;
    if (fs::exists(path, code) && !fs::is_regular_file(path, code)) {
        return Refusal(database_error(path, "is no regular file", "a file for the database"));
    }
    constexpr int kAccess = 0666;
    const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kAccess);
    if (lock < 0) {
        return Refusal(database_error(path, fmt::format("cannot be written: {}", std::strerror(errno)),
                                      "a file in a folder that can be written to"));
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        (void)::close(lock);
        return Refusal(database_error(path, "is written by another megabed study", "one at a time"));
    }
    return guarded(path, [&]() -> Loaded<StudyDatabase> {
        auto state = std::make_unique<State>(path, lock);
        constexpr int kWaitMs = 10'000;
        state->database.setBusyTimeout(kWaitMs);
        const auto known = is_study(state->database, path);
        if (!known) {
            return Refusal(known.error());
        }
        if (!*known) {
            // A transaction appends whole pages to the log, a few rows each: small ones are less to write.
            state->database.exec("PRAGMA page_size = 1024");
        }
        // Readers and the writer do not wait for each other; what a power failure may take is whole runs.
        state->database.exec("PRAGMA journal_mode = WAL");
        state->database.exec("PRAGMA synchronous = NORMAL");
        // Pages, 64 MiB: until the log is copied into the file, nobody waits for the disk.
        state->database.exec("PRAGMA wal_autocheckpoint = 65536");
        state->database.exec("PRAGMA foreign_keys = OFF");  // the rows are made here, and in order
        if (!*known) {
            create(state->database, study);
        } else if (const auto same = check_same_study(state->database, path, study, any_revision); !same) {
            return Refusal(same.error());
        }
        return StudyDatabase(std::move(state));
    });
}

Loaded<std::vector<std::uint64_t>> StudyDatabase::missing(const Study& study, bool retry_failed) {
    return guarded(state_->path, [&]() -> Loaded<std::vector<std::uint64_t>> {
        SQLite::Database& database = state_->database;
        if (retry_failed) {
            SQLite::Transaction transaction(database);
            for (const char* const table : {"topology_share", "timeline", "execution"}) {
                database.exec(fmt::format(
                    "DELETE FROM {} WHERE run_id IN (SELECT id FROM run WHERE status = 'failed')", table));
            }
            database.exec("DELETE FROM run WHERE status = 'failed'");
            transaction.commit();
        }
        std::vector<std::uint64_t> missing;
        std::uint64_t next = 1;
        SQLite::Statement there(database, "SELECT id FROM run ORDER BY id");
        while (there.executeStep()) {
            const auto id = static_cast<std::uint64_t>(there.getColumn(0).getInt64());
            for (; next < id; ++next) {
                missing.push_back(next);
            }
            next = id + 1;
        }
        for (; next <= study.runs(); ++next) {
            missing.push_back(next);
        }
        return missing;
    });
}

Loaded<void> StudyDatabase::begin_session(const SessionFacts& facts) {
    return guarded(state_->path, [&]() -> Loaded<void> {
        SQLite::Statement row(state_->database,
                              "INSERT INTO session VALUES (NULL, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        int at = 0;
        for (const std::string& text :
             {now_utc(), facts.command, version(), revision(), compiler(), cpu_model(), system_name()}) {
            row.bind(++at, text);
        }
        row.bind(++at, static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency())));
        row.bind(++at, static_cast<std::int64_t>(facts.jobs));
        row.bind(++at, static_cast<std::int64_t>(facts.processes));
        row.exec();
        state_->session = state_->database.getLastInsertRowid();
        state_->inserts.emplace(state_->database);
        return {};
    });
}

Loaded<void> StudyDatabase::store(const Study& study, RunOutcome& outcome) {
    return guarded(state_->path, [&]() -> Loaded<void> {
        const StudyPoint point = study.point(static_cast<std::uint64_t>(outcome.id));
        SQLite::Transaction transaction(state_->database);
        SQLite::Statement& run = state_->inserts->run;
        int at = 0;
        run.bind(++at, outcome.id);
        for (const std::size_t index : {point.scenario, point.policy, point.variant}) {
            run.bind(++at, static_cast<std::int64_t>(index + 1));
        }
        run.bind(++at, study.backends[point.backend]);
        run.bind(++at, static_cast<std::int64_t>(study.seeds[point.seed]));
        run.bind(++at, outcome.error ? "failed" : "done");
        bind_value(run, ++at, outcome.error);
        bind_value(run, ++at, outcome.digest);
        bind_value(run, ++at, outcome.graph);
        bind_value(run, ++at, outcome.device);
        bind_value(run, ++at, outcome.device_digest);
        outcome.for_each_figure(
            [&](const char* /*column*/, const auto& figure) { bind_value(run, ++at, figure); });
        run.exec();
        run.reset();
        for (const OutcomeShare& share : outcome.shares) {
            SQLite::Statement& row = state_->inserts->share;
            row.bind(1, outcome.id);
            row.bind(2, share.topology);
            row.bind(3, share.launches);
            row.bind(4, share.waves);
            row.bind(5, share.time_ns);
            row.exec();
            row.reset();
        }
        std::int64_t number = 0;
        for (const OutcomeSegment& segment : outcome.timeline) {
            SQLite::Statement& row = state_->inserts->segment;
            row.bind(1, outcome.id);
            row.bind(2, number++);
            row.bind(3, segment.topology);
            row.bind(4, segment.start_ns);
            row.bind(5, segment.end_ns);
            row.bind(6, segment.launches);
            bind_value(row, 7, segment.density_min_bps);
            bind_value(row, 8, segment.density_max_bps);
            row.exec();
            row.reset();
        }
        SQLite::Statement& execution = state_->inserts->execution;
        execution.bind(1, outcome.id);
        execution.bind(2, state_->session);
        execution.bind(3, outcome.process);
        execution.bind(4, outcome.wall_ns);
        execution.exec();
        execution.reset();
        transaction.commit();
        return {};
    });
}

Loaded<void> StudyDatabase::end_session() {
    return guarded(state_->path, [&]() -> Loaded<void> {
        SQLite::Statement row(state_->database, "UPDATE session SET ended_utc = ? WHERE id = ?");
        row.bind(1, now_utc());
        row.bind(2, state_->session);
        row.exec();
        return {};
    });
}

Loaded<StudyCounts> StudyDatabase::counts() const {
    return guarded(state_->path, [&]() -> Loaded<StudyCounts> {
        StudyCounts counts;
        counts.done = static_cast<std::uint64_t>(
            scalar(state_->database, "SELECT count(*) FROM run WHERE status = 'done'"));
        counts.failed = static_cast<std::uint64_t>(
            scalar(state_->database, "SELECT count(*) FROM run WHERE status = 'failed'"));
        return counts;
    });
}

Loaded<std::vector<PolicyVerdict>> StudyDatabase::verdicts() const {
    return guarded(state_->path, [&]() -> Loaded<std::vector<PolicyVerdict>> {
        std::vector<PolicyVerdict> verdicts;
        SQLite::Statement rows(
            state_->database,
            "SELECT p.label, sum(r.status = 'done'), sum(r.status = 'failed'), avg(CASE WHEN r.status = 'done' "
            "THEN "
            "r.regret END), avg(CASE WHEN r.status = 'done' THEN r.flaps END) "
            "FROM policy p LEFT JOIN run r ON r.policy_id = p.id GROUP BY p.id ORDER BY p.id");
        while (rows.executeStep()) {
            PolicyVerdict& verdict = verdicts.emplace_back();
            verdict.label = rows.getColumn(0).getString();
            verdict.done = static_cast<std::uint64_t>(rows.getColumn(1).getInt64());
            verdict.failed = static_cast<std::uint64_t>(rows.getColumn(2).getInt64());
            verdict.regret_mean = rows.getColumn(3).isNull() ? std::numeric_limits<double>::quiet_NaN()
                                                             : rows.getColumn(3).getDouble();
            verdict.flaps_mean = rows.getColumn(4).getDouble();
        }
        SQLite::Statement pairs(
            state_->database,
            "SELECT r.policy_id, r.makespan_ns, b.makespan_ns FROM run r "
            "JOIN run b ON b.scenario_id = r.scenario_id AND b.variant_id = r.variant_id AND b.seed = r.seed "
            "AND "
            "b.backend = r.backend AND b.policy_id = (SELECT id FROM policy WHERE label = (SELECT baseline "
            "FROM study)) "
            "WHERE r.status = 'done' AND b.status = 'done' AND r.makespan_ns > 0 AND b.makespan_ns > 0");
        std::vector<std::pair<double, std::uint64_t>> sums(verdicts.size());
        while (pairs.executeStep()) {
            auto& [sum, count] = sums.at(static_cast<std::size_t>(pairs.getColumn(0).getInt64() - 1));
            sum += std::log(pairs.getColumn(1).getDouble() / pairs.getColumn(2).getDouble());
            ++count;
        }
        for (std::size_t at = 0; at < verdicts.size(); ++at) {
            const auto [sum, count] = sums[at];
            verdicts[at].makespan_ratio = count == 0 ? 0 : std::exp(sum / static_cast<double>(count));
        }
        return verdicts;
    });
}

Loaded<StoredSample> sample_runs(const fs::path& path, std::uint64_t count) {
    std::error_code code;
    if (!fs::is_regular_file(path, code)) {
        return Refusal(database_error(path, "is not there", "a database of megabed study"));
    }
    return guarded(path, [&]() -> Loaded<StoredSample> {
        SQLite::Database database(path.string(), SQLite::OPEN_READONLY);
        const auto known = is_study(database, path);
        if (!known) {
            return Refusal(known.error());
        }
        if (!*known) {
            return Refusal(database_error(path, "is empty", "a database of megabed study"));
        }
        StoredSample sample;
        sample.revision =
            database.execAndGet("SELECT version || ' (' || revision || ')' FROM study").getString();
        constexpr const char* kChecked = "status = 'done' AND backend = 'sim' AND digest IS NOT NULL";
        sample.runs_done = static_cast<std::uint64_t>(
            scalar(database, fmt::format("SELECT count(*) FROM run WHERE {}", kChecked).c_str()));
        // Row number n is one of them where n * count / done steps to another whole number.
        SQLite::Statement rows(
            database,
            fmt::format(
                "WITH numbered AS (SELECT *, row_number() OVER (ORDER BY id) AS place FROM run WHERE {}) "
                "SELECT n.id, f.path, f.text, s.name, p.name, p.settings, v.settings, n.backend, n.seed, "
                "n.digest FROM numbered n JOIN scenario s ON s.id = n.scenario_id JOIN scenario_file f ON "
                "f.id = s.file_id JOIN policy p ON p.id = n.policy_id JOIN variant v ON v.id = n.variant_id "
                "WHERE n.place * ?1 / ?2 > (n.place - 1) * ?1 / ?2 ORDER BY n.id",
                kChecked));
        rows.bind(1, static_cast<std::int64_t>(std::min(count, sample.runs_done)));
        rows.bind(2, static_cast<std::int64_t>(std::max<std::uint64_t>(1, sample.runs_done)));
        std::map<std::string, std::shared_ptr<const std::string>> texts;
        while (rows.executeStep()) {
            StoredRun& run = sample.runs.emplace_back();
            run.spec.id = static_cast<std::uint64_t>(rows.getColumn(0).getInt64());
            run.spec.path = rows.getColumn(1).getString();
            auto& text = texts[run.spec.path];
            if (text == nullptr) {
                text = std::make_shared<const std::string>(rows.getColumn(2).getString());
            }
            run.spec.text = text;
            run.spec.run = rows.getColumn(3).getString();
            run.spec.policy = rows.getColumn(4).getString();
            for (const int column : {5, 6}) {
                const auto settings = nlohmann::json::parse(rows.getColumn(column).getString(), nullptr, false);
                if (!settings.is_array()) {
                    return Refusal(database_error(path, "has settings that are no JSON array"));
                }
                for (const auto& setting : settings) {
                    run.spec.settings.push_back(setting.is_string() ? setting.get<std::string>() : "");
                }
            }
            run.spec.backend = rows.getColumn(7).getString();
            run.spec.seed = static_cast<std::uint64_t>(rows.getColumn(8).getInt64());
            run.spec.hindsight = false;
            run.digest = rows.getColumn(9).getString();
        }
        return sample;
    });
}

}  // namespace megabed

#include "bench/study/study_figures.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <cmath>
#include <map>
#include <utility>

namespace megabed {
namespace {

/// A mean of what there is.
class Mean {
public:
    void add(double value) {
        sum_ += value;
        ++count_;
    }
    [[nodiscard]] std::optional<double> get() const {
        return count_ == 0 ? std::nullopt : std::optional(sum_ / static_cast<double>(count_));
    }

private:
    double sum_ = 0;
    std::uint64_t count_ = 0;
};

struct Sums {
    std::string group;
    std::string policy;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    Mean makespan_log;
    Mean regret;
    Mean flaps;
    Mean switches;
    std::int64_t hits = 0;
    std::int64_t requests = 0;
};

void add_run(Sums& sums, SQLite::Statement& row) {
    const auto number = [&row](int column) -> std::optional<double> {
        const auto value = row.getColumn(column);
        return value.isNull() ? std::nullopt : std::optional(value.getDouble());
    };
    constexpr int kStatus = 4;
    if (row.getColumn(kStatus).getString() != "done") {
        ++sums.failed;
        return;
    }
    ++sums.done;
    int at = kStatus;
    if (const auto makespan = number(++at); makespan && *makespan > 0) {
        sums.makespan_log.add(std::log(*makespan));
    }
    for (Mean* const mean : {&sums.regret, &sums.flaps, &sums.switches}) {
        if (const auto value = number(++at)) {
            mean->add(*value);
        }
    }
    const auto hits = row.getColumn(++at);
    const auto misses = row.getColumn(++at);
    if (!hits.isNull() && !misses.isNull()) {
        sums.hits += hits.getInt64();
        sums.requests += hits.getInt64() + misses.getInt64();
    }
}

StudyFigures figures_of(Sums sums) {
    StudyFigures figures;
    figures.group = std::move(sums.group);
    figures.policy = std::move(sums.policy);
    figures.done = sums.done;
    figures.failed = sums.failed;
    if (const auto mean = sums.makespan_log.get()) {
        figures.makespan_geomean_ns = std::exp(*mean);
    }
    figures.regret_mean = sums.regret.get();
    figures.flaps_mean = sums.flaps.get();
    figures.switches_mean = sums.switches.get();
    if (sums.requests != 0) {
        figures.cache_hit_share = static_cast<double>(sums.hits) / static_cast<double>(sums.requests);
    }
    return figures;
}

/// What `read` makes of a study's database.
template <class Read>
auto read_database(const std::filesystem::path& path, Read read)
    -> Loaded<decltype(read(std::declval<const SQLite::Database&>()))> {
    try {
        return read(SQLite::Database(path.string(), SQLite::OPEN_READONLY));
    } catch (const SQLite::Exception& failure) {
        return Refusal(InputError{.where = path.string(),
                                  .line = {},
                                  .key = {},
                                  .problem = fmt::format("SQLite: {}", failure.what()),
                                  .allowed = "a database of megabed study"});
    }
}

}  // namespace

Loaded<std::vector<StudyFigures>> study_figures(const std::filesystem::path& path, FigureGroup group) {
    const char* const table = group == FigureGroup::Variant ? "variant" : "scenario";
    return read_database(path, [&](const SQLite::Database& database) {
        SQLite::Statement rows(
            database,
            fmt::format("SELECT g.id, p.id, g.label, p.label, r.status, r.makespan_ns, r.regret, r.flaps, "
                        "r.topology_switches, r.cache_hits, r.cache_misses FROM run r "
                        "JOIN {0} g ON g.id = r.{0}_id JOIN policy p ON p.id = r.policy_id ORDER BY r.id",
                        table));
        std::map<std::pair<std::int64_t, std::int64_t>, Sums> cells;
        while (rows.executeStep()) {
            auto [cell, is_new] =
                cells.try_emplace({rows.getColumn(0).getInt64(), rows.getColumn(1).getInt64()});
            if (is_new) {
                cell->second.group = rows.getColumn(2).getString();
                cell->second.policy = rows.getColumn(3).getString();
            }
            add_run(cell->second, rows);
        }
        std::vector<StudyFigures> figures;
        figures.reserve(cells.size());
        for (auto& [ids, sums] : cells) {
            figures.push_back(figures_of(std::move(sums)));
        }
        return figures;
    });
}

Loaded<std::vector<StudyFailure>> study_failures(const std::filesystem::path& path, std::uint64_t most) {
    return read_database(path, [&](const SQLite::Database& database) {
        SQLite::Statement rows(database,
                               "SELECT error, count(*) FROM run WHERE status = 'failed' GROUP BY error "
                               "ORDER BY count(*) DESC, min(id) LIMIT ?");
        rows.bind(1, static_cast<std::int64_t>(most));
        std::vector<StudyFailure> failures;
        while (rows.executeStep()) {
            failures.push_back(
                {rows.getColumn(0).getString(), static_cast<std::uint64_t>(rows.getColumn(1).getInt64())});
        }
        return failures;
    });
}

}  // namespace megabed

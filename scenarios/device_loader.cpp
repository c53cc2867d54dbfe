#include "scenarios/device_loader.h"

#include "scenarios/catalog.h"
#include "scenarios/section_reader.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace megabed {
namespace {

/// Walks one parsed profile.
class DeviceFile {
public:
    DeviceFile(const toml::table& root, std::string_view source) : root_(root), source_(source) {}

    Loaded<DeviceProfile> read() {
        DeviceProfile device;
        read_top(device);
        read_limits(device);
        read_rates(device);
        read_costs(device);
        read_bytes(device);
        read_tiles(device);
        read_waves(device);
        check_provenance();
        if (errors_.get()) {
            return Refusal(*errors_.get());
        }
        return device;
    }

private:
    SectionReader section(std::string_view name) {
        const toml::table* const table = root_.get_as<toml::table>(name);
        if (table == nullptr) {
            errors_.report({.where = std::string(source_),
                            .line = {},
                            .key = std::string(name),
                            .problem = "is missing",
                            .allowed = "a table"});
        }
        return {device_keys(), name, {{table, source_, true}}, errors_};
    }

    void read_top(DeviceProfile& device) {
        SectionReader top(device_keys(), "", {{&root_, source_, true}}, errors_);
        (void)top.integer("format");
        device.summary = top.text("summary").value_or("");
        top.refuse_unknown({"limits", "rates", "costs", "bytes", "tiles", "waves", "fitted_to", "provenance"});
        read_fitted_to(device);
    }

    void read_fitted_to(DeviceProfile& device) {
        const toml::node* const node = root_.get("fitted_to");
        if (node == nullptr) {
            return;
        }
        const toml::array* const names = node->as_array();
        if (names == nullptr ||
            !std::ranges::all_of(*names, [](const toml::node& name) { return name.is_string(); })) {
            refuse(*node, "fitted_to", fmt::format("is {}", as_written(*node)),
                   "a list of texts such as \"road/from-the-edge\"");
            return;
        }
        for (const toml::node& name : *names) {
            device.fitted_to.push_back(name.as_string()->get());
        }
    }

    void read_limits(DeviceProfile& device) {
        SectionReader limits = section("limits");
        device.multiprocessors = limits.u32("multiprocessors").value_or(1);
        device.max_workgroup_size_x = limits.u32("max_workgroup_size_x").value_or(1);
        device.max_compute_workgroups_per_dimension =
            limits.u32("max_compute_workgroups_per_dimension").value_or(1);
        device.max_compute_invocations_per_workgroup =
            limits.u32("max_compute_invocations_per_workgroup").value_or(1);
        device.resident_lanes_per_multiprocessor = limits.u32("resident_lanes_per_multiprocessor").value_or(1);
        device.resident_groups_per_multiprocessor =
            limits.u32("resident_groups_per_multiprocessor").value_or(1);
        limits.refuse_unknown();
    }

    void read_rates(DeviceProfile& device) {
        SectionReader rates = section("rates");
        device.read_bytes_per_second = rates.rate("read_bytes_per_second").value_or(1);
        device.tickets_per_second = rates.rate("tickets_per_second").value_or(1);
        device.saturating_warps = rates.u32("saturating_warps").value_or(1);
        device.stream_overlap = rates.bps("stream_overlap_bps").value_or(device.stream_overlap);
        device.item_memory_share = rates.bps("item_memory_share_bps").value_or(BasisPoints(0));
        rates.refuse_unknown({"gather", "atomic"});
        device.gathers = rate_points("gather");
        device.atomics = rate_points("atomic");
    }

    std::vector<RatePoint> rate_points(std::string_view list) {
        std::vector<RatePoint> points;
        for_each_point("rates", list, [&](SectionReader& point) {
            points.push_back(
                {point.bytes("footprint").value_or(Bytes(1)), point.rate("per_second").value_or(1)});
            if (points.size() > 1 && points.back().footprint <= points[points.size() - 2].footprint) {
                point.refuse("footprint", "is not above the point before", "points in ascending order");
            }
        });
        return points;
    }

    void read_costs(DeviceProfile& device) {
        SectionReader costs = section("costs");
        device.relaunch = costs.time("relaunch").value_or(SimTime(0));
        device.host_decision = costs.time("host_decision").value_or(SimTime(0));
        device.device_decision = costs.time("device_decision").value_or(SimTime(0));
        device.compile = costs.time("compile").value_or(SimTime(0));
        device.dependent_access = costs.time("dependent_access").value_or(SimTime(0));
        device.warp_step = costs.time("warp_step").value_or(SimTime(0));
        device.interpreter_dispatch = costs.time("interpreter_dispatch").value_or(SimTime(0));
        costs.refuse_unknown({"barrier"});
        for_each_point("costs", "barrier", [&](SectionReader& point) {
            device.barriers.push_back(
                {point.u32("blocks").value_or(1), point.time("time").value_or(SimTime(1))});
            const auto& points = device.barriers;
            if (points.size() > 1 && points.back().blocks <= points[points.size() - 2].blocks) {
                point.refuse("blocks", "is not above the point before", "points in ascending order");
            }
        });
    }

    void read_bytes(DeviceProfile& device) {
        SectionReader bytes = section("bytes");
        device.frontier_vertex_bytes = bytes.bytes("frontier_vertex").value_or(Bytes(0));
        device.queue_entry_bytes = bytes.bytes("queue_entry").value_or(Bytes(0));
        device.row_bytes = bytes.bytes("row").value_or(Bytes(0));
        bytes.refuse_unknown();
    }

    /// `[waves]` is there where the profile was calibrated, and then has a table for every set of waves.
    void read_waves(DeviceProfile& device) {
        const toml::node* const node = root_.get("waves");
        if (node == nullptr) {
            return;
        }
        const toml::table* const waves = node->as_table();
        if (waves == nullptr) {
            refuse(*node, "waves", fmt::format("is {}", as_written(*node)), "a table");
            return;
        }
        const auto shared = std::make_shared<WaveCosts>();
        device.waves = shared;
        WaveCosts& costs = *shared;
        refuse_others("waves", *waves, [](std::string_view key) {
            return key == "decision" ||
                   std::ranges::any_of(kKinds, [key](WaveKind kind) { return key == kind_name(kind); });
        });
        for (const WaveKind kind : kKinds) {
            read_wave_kind(*waves, kind, costs);
        }
        for_each_point("waves", "decision", [&](SectionReader& point) {
            costs.decisions.push_back(
                {point.text("policy").value_or(""),
                 static_cast<double>(point.time("general").value_or(SimTime(0)).value()),
                 static_cast<double>(point.time("compiled").value_or(SimTime(0)).value())});
        });
    }

    void read_wave_kind(const toml::table& waves, WaveKind kind, WaveCosts& costs) {
        const std::string name = fmt::format("waves.{}", kind_name(kind));
        const toml::node* const node = waves.get(kind_name(kind));
        const toml::table* const modes = node == nullptr ? nullptr : node->as_table();
        if (modes == nullptr) {
            refuse(node == nullptr ? waves : *node, name, node == nullptr ? "is missing" : "is not a table",
                   "a table for each way to carry out such waves");
            return;
        }
        refuse_others(name, *modes, [kind](std::string_view key) {
            return std::ranges::any_of(kModes, [&](WaveMode mode) {
                return exists({kind, mode}) && key == mode_name(mode);
            });
        });
        for (const WaveMode mode : kModes) {
            if (exists({kind, mode})) {
                const WaveSet set{kind, mode};
                read_wave_set(*modes, fmt::format("{}.{}", name, mode_name(mode)), mode_name(mode),
                              costs.sets[set.index()]);
            }
        }
    }

    void read_wave_set(const toml::table& modes, const std::string& name, std::string_view mode,
                       WaveCosts::Set& set) {
        constexpr std::string_view kShare = "decision_share";
        constexpr std::string_view kUnit = "_ns";
        const toml::node* const node = modes.get(mode);
        const toml::table* const table = node == nullptr ? nullptr : node->as_table();
        if (table == nullptr) {
            refuse(node == nullptr ? modes : *node, name, node == nullptr ? "is missing" : "is not a table",
                   "a table of costs");
            return;
        }
        const auto terms = wave_term_names();
        set.decision_share = 0;
        for (const auto& [key, value] : *table) {
            const std::string_view spelled = key.str();
            const auto number = value.value<double>();
            const bool fits = number && *number >= 0 && *number <= kCostMost;
            const auto term = std::ranges::find_if(terms, [&](const WaveTermName& known) {
                return spelled.size() == known.key.size() + kUnit.size() && spelled.starts_with(known.key) &&
                       spelled.ends_with(kUnit);
            });
            if (!fits || (term == terms.end() && spelled != kShare)) {
                refuse(value, fmt::format("{}.{}", name, spelled),
                       fits ? "is not known" : fmt::format("is {}", as_written(value)),
                       fits ? "decision_share, or a term of scenarios/KEYS.md with _ns"
                            : "a number from 0 to 1e12");
                return;
            }
            if (spelled == kShare) {
                set.decision_share = *number;
            } else {
                set.ns[static_cast<std::size_t>(term - terms.begin())] = *number;
            }
        }
    }

    template <class Known>
    void refuse_others(std::string_view name, const toml::table& table, Known known) {
        for (const auto& [key, value] : table) {
            if (!known(key.str())) {
                refuse(value, fmt::format("{}.{}", name, key.str()), "is not known",
                       "the tables of scenarios/KEYS.md");
                return;
            }
        }
    }

    void refuse(const toml::node& node, std::string_view key, std::string problem, std::string allowed) {
        errors_.report({.where = std::string(source_),
                        .line = node.source().begin.line,
                        .key = std::string(key),
                        .problem = std::move(problem),
                        .allowed = std::move(allowed)});
    }

    /// Every constant says where it comes from: `[provenance]` has a text for a whole section, or a table with
    /// a text for each of its keys.
    void check_provenance() {
        const toml::table* const provenance = root_.get_as<toml::table>("provenance");
        for (const KeySpec& spec : device_keys()) {
            const std::string_view dotted = spec.section;
            const std::size_t dot = dotted.find('.');
            const std::string section(dotted.substr(0, dot));
            const std::string key(dot == std::string_view::npos ? spec.key : dotted.substr(dot + 1));
            if (section.empty() || (section == "waves" && root_.get("waves") == nullptr)) {
                continue;
            }
            const toml::node* node = provenance == nullptr ? nullptr : provenance->get(section);
            if (node != nullptr && node->is_table()) {
                node = node->as_table()->get(key);
            }
            if (node == nullptr || !node->is_string() || !is_origin(node->as_string()->get())) {
                InputError error{
                    .where = std::string(source_),
                    .line = {},
                    .key = fmt::format("provenance.{}.{}", section, key),
                    .problem = node == nullptr ? "is missing" : fmt::format("is {}", as_written(*node)),
                    .allowed = "text that begins with measured, data sheet, estimate or choice"};
                if (node != nullptr) {
                    error.line = node->source().begin.line;
                }
                errors_.report(std::move(error));
                return;
            }
        }
    }

    static bool is_origin(std::string_view text) {
        constexpr std::array<std::string_view, 4> kOrigins{"measured", "data sheet", "estimate", "choice"};
        return std::any_of(kOrigins.begin(), kOrigins.end(),
                           [text](std::string_view origin) { return text.starts_with(origin); });
    }

    void read_tiles(DeviceProfile& device) {
        SectionReader tiles = section("tiles");
        constexpr std::uint32_t kHeavyDegree = 512;
        device.tile_items = tiles.u32("tile_items").value_or(1);
        device.heavy_degree = tiles.u32("heavy_degree").value_or(kHeavyDegree);
        tiles.refuse_unknown();
    }

    template <class Visit>
    void for_each_point(std::string_view parent, std::string_view list, Visit visit) {
        const std::string name = fmt::format("{}.{}", parent, list);
        const toml::table* const table = root_.get_as<toml::table>(parent);
        const toml::array* const points = table == nullptr ? nullptr : table->get_as<toml::array>(list);
        if (points == nullptr || points->empty()) {
            errors_.report({.where = std::string(source_),
                            .line = {},
                            .key = name,
                            .problem = "is missing",
                            .allowed = "one or more tables"});
            return;
        }
        for (const toml::node& node : *points) {
            if (!node.is_table()) {
                errors_.report({.where = std::string(source_),
                                .line = node.source().begin.line,
                                .key = name,
                                .problem = fmt::format("holds {}", as_written(node)),
                                .allowed = "tables"});
                return;
            }
            SectionReader point(device_keys(), name, {{node.as_table(), source_, true}}, errors_);
            visit(point);
            point.refuse_unknown();
        }
    }

    static constexpr double kCostMost = 1e12;
    static constexpr std::array kKinds{WaveKind::Levels, WaveKind::Distances, WaveKind::Labels,
                                       WaveKind::Ranks};
    static constexpr std::array kModes{WaveMode::Solo, WaveMode::Block, WaveMode::Blocks, WaveMode::Pull,
                                       WaveMode::SkewedPull};

    const toml::table& root_;
    std::string_view source_;
    FirstError errors_;
};

}  // namespace

Loaded<DeviceProfile> parse_device(std::string_view text, const std::string& source) {
    const auto table = parse_toml(text, source);
    if (!table) {
        return Refusal(table.error());
    }
    auto device = DeviceFile(*table, source).read();
    if (device) {
        device->digest = digest_of(std::as_bytes(std::span(text)));
    }
    return device;
}

Loaded<DeviceProfile> load_device(const std::filesystem::path& path) {
    const auto text = read_text_file(path);
    if (!text) {
        return Refusal(text.error());
    }
    auto device = parse_device(*text, path.string());
    if (device) {
        device->name = path.stem().string();
    }
    return device;
}

}  // namespace megabed

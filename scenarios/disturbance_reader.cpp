#include "scenarios/disturbance_reader.h"

#include "scenarios/table_list.h"
#include "sim/telemetry_faults.h"

#include <fmt/format.h>
#include <string>

namespace megabed {
namespace {

MemoryProcess read_ramp(SectionReader& entry) {
    MemoryRamp ramp;
    ramp.start = entry.time("start").value_or(SimTime(0));
    ramp.end = entry.time("end").value_or(ramp.start);
    ramp.from = entry.bytes("from").value_or(Bytes(0));
    ramp.to = entry.bytes("to").value_or(Bytes(0));
    if (ramp.end < ramp.start) {
        entry.refuse("end", fmt::format("is {} ns, before the start", ramp.end.value()),
                     fmt::format("from {} ns on", ramp.start.value()));
    }
    return ramp;
}

/// The keys that each kind of process needs; `start` and `from` of a ramp may be left out.
struct KindKeys {
    std::string_view kind;
    std::vector<std::string_view> needed;
    std::vector<std::string_view> possible;
};

const std::vector<KindKeys>& kind_keys() {
    static const std::vector<KindKeys> kKinds{
        {"ramp", {"to"}, {"start", "end", "from"}},
        {"allocations", {"per_second", "size", "lifetime"}, {}},
        {"spikes", {"every", "length", "size"}, {}},
        {"leak", {"bytes_per_second", "most"}, {"start"}},
    };
    return kKinds;
}

bool given(const Layer& layer, std::string_view key) {
    const std::string name(key);
    return layer.table->contains(name) || layer.table->contains(name + "_ns") ||
           layer.table->contains(name + "_us") || layer.table->contains(name + "_bytes");
}

void check_keys(SectionReader& entry, const Layer& layer, const std::string& kind) {
    for (const KindKeys& keys : kind_keys()) {
        for (const std::string_view key : keys.needed) {
            if (keys.kind == kind && !given(layer, key)) {
                entry.refuse("kind", fmt::format("is {} without {}", kind, key), listed(keys.needed));
            }
        }
    }
    for (const KindKeys& other : kind_keys()) {
        for (const auto* const list : {&other.needed, &other.possible}) {
            for (const std::string_view key : *list) {
                const bool own = std::any_of(kind_keys().begin(), kind_keys().end(), [&](const KindKeys& keys) {
                    return keys.kind == kind &&
                           (std::find(keys.needed.begin(), keys.needed.end(), key) != keys.needed.end() ||
                            std::find(keys.possible.begin(), keys.possible.end(), key) != keys.possible.end());
                });
                if (given(layer, key) && !own) {
                    entry.refuse("kind", fmt::format("is {}, which has no {}", kind, key), "keys of its kind");
                }
            }
        }
    }
}

MemoryProcess read_process(SectionReader& entry, const Layer& layer) {
    const std::string kind = entry.text("kind").value_or("ramp");
    check_keys(entry, layer, kind);
    const SimTime one(1);
    if (kind == "allocations") {
        return MemoryAllocations{entry.rate("per_second").value_or(1), entry.bytes("size").value_or(Bytes(1)),
                                 entry.time("lifetime").value_or(one)};
    }
    if (kind == "spikes") {
        return MemorySpikes{entry.time("every").value_or(one), entry.time("length").value_or(one),
                            entry.bytes("size").value_or(Bytes(1))};
    }
    if (kind == "leak") {
        return MemoryLeak{entry.time("start").value_or(SimTime(0)), entry.rate("bytes_per_second").value_or(1),
                          entry.bytes("most").value_or(Bytes(0))};
    }
    return read_ramp(entry);
}

template <class Enumeration>
Enumeration named(const std::string& name, Enumeration last) {
    for (int value = 0; value <= static_cast<int>(last); ++value) {
        if (to_string(static_cast<Enumeration>(value)) == name) {
            return static_cast<Enumeration>(value);
        }
    }
    return {};
}

TelemetryFault read_fault(SectionReader& entry) {
    TelemetryFault fault;
    fault.signal = named(entry.text("signal").value_or(""), Signal::ResidentBytes);
    fault.kind = named(entry.text("kind").value_or(""), FaultKind::Reorder);
    fault.share = entry.bps("share_bps").value_or(fault.share);
    const auto amount = entry.u32("amount");
    fault.amount = amount.value_or(1);
    const bool takes_amount =
        fault.kind == FaultKind::Delay || fault.kind == FaultKind::Quantise || fault.kind == FaultKind::Corrupt;
    constexpr std::uint32_t kDelayMax = 1'000'000;
    if (takes_amount != amount.has_value()) {
        entry.refuse("kind",
                     fmt::format("{} {} amount", to_string(fault.kind), takes_amount ? "needs an" : "has no"),
                     "amount for delay, quantise and corrupt alone");
    } else if (fault.kind == FaultKind::Delay && fault.amount > kDelayMax) {
        entry.refuse("amount", fmt::format("is {} launches", fault.amount),
                     fmt::format("1 to {} for delay", kDelayMax));
    }
    return fault;
}

}  // namespace

void read_memory(const RunTables& tables, Scenario& scenario, FirstError& errors) {
    SectionReader memory(scenario_keys(), "memory", tables.shared("memory"), errors);
    constexpr SimTime kPause{10'000};
    constexpr std::uint32_t kRetries = 1000;
    scenario.memory.budget = memory.bytes("budget");
    scenario.memory.bandwidth_of_others = memory.bps("bandwidth_of_others_bps").value_or(BasisPoints(0));
    scenario.out_of_memory_pause = memory.time("retry_pause").value_or(kPause);
    scenario.out_of_memory_retries_max = memory.u32("retries_max").value_or(kRetries);
    memory.refuse_unknown({"co_tenant"});
    for (const Layer& layer : tables.shared("memory")) {
        const toml::node* const list = layer.table == nullptr ? nullptr : layer.table->get("co_tenant");
        if (list != nullptr) {
            for_each_table(*list, layer, "memory.co_tenant", errors, {},
                           [&](SectionReader& entry, const Layer& entry_layer) {
                               scenario.memory.co_tenants.push_back(read_process(entry, entry_layer));
                           });
            break;
        }
    }
}

void read_faults(const RunTables& tables, Scenario& scenario, FirstError& errors) {
    for (const Layer& layer : tables.with_lists()) {
        const toml::node* const list = layer.table == nullptr ? nullptr : layer.table->get("faults");
        if (list != nullptr) {
            for_each_table(*list, layer, "faults", errors, {},
                           [&](SectionReader& entry, const Layer& /*layer*/) {
                               scenario.faults.push_back(read_fault(entry));
                           });
            break;
        }
    }
}

}  // namespace megabed

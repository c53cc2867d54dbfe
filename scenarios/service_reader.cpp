#include "scenarios/service_reader.h"

#include "scenarios/table_list.h"
#include "scenarios/trace_file.h"
#include "sim/memory_limit.h"

#include <fmt/format.h>
#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace megabed {
namespace {

constexpr std::size_t kPathShown = 1000;

ItemTimeLaw law_of(const std::optional<std::string>& name) {
    const std::string law = name.value_or("constant");
    return law == "exponential" ? ItemTimeLaw::Exponential
           : law == "uniform"   ? ItemTimeLaw::Uniform
                                : ItemTimeLaw::Constant;
}

/// More than one item a nanosecond from one tenant is no rate that integer time can show.
void check_rate(SectionReader& reader, std::string_view key, const std::optional<double>& rate) {
    constexpr double kFastest = 1e9;
    if (rate && *rate > kFastest) {
        reader.refuse(key, fmt::format("is {} items a second, more than one a nanosecond", *rate),
                      "at most 1e9 a second");
    }
}

class TenantReader {
public:
    TenantReader(SectionReader& entry, const Layer& layer, const std::filesystem::path& folder,
                 FirstError& errors)
        : entry_(entry), layer_(layer), folder_(folder), errors_(errors) {}

    Tenant read(const ServiceWorkload& workload) {
        Tenant tenant;
        tenant.name = entry_.text("name").value_or("");
        tenant.count = entry_.u32("count").value_or(tenant.count);
        tenant.priority = static_cast<std::uint8_t>(entry_.u32("priority").value_or(tenant.priority));
        tenant.quota_items = entry_.u32("quota_items").value_or(0);
        tenant.contended_keys = entry_.u32("contended_keys").value_or(0);
        tenant.when_full =
            entry_.text("when_full").value_or("reject") == "wait" ? FullRing::Wait : FullRing::Reject;
        if (tenant.quota_items > workload.ring_slots.value()) {
            entry_.refuse("quota_items", fmt::format("is {}, more than the ring has slots", tenant.quota_items),
                          fmt::format("0 to {}", workload.ring_slots.value()));
        }
        read_opcodes(tenant);
        if (const auto item = entry_.time("item")) {
            tenant.item = ItemTime{*item, law_of(entry_.text("item_law"))};
        } else if (entry_.text("item_law")) {
            entry_.refuse("item_law", "is given without item", "both, or the workload's");
        }
        read_arrivals(tenant, workload.duration);
        return tenant;
    }

private:
    void read_opcodes(Tenant& tenant) {
        const std::uint32_t first = entry_.u32("opcode").value_or(0);
        const std::uint32_t count = entry_.u32("opcode_count").value_or(1);
        if (first > std::numeric_limits<std::uint32_t>::max() - (count - 1)) {
            entry_.refuse("opcode_count", fmt::format("is {} from opcode {} on", count, first),
                          "opcodes up to 4294967295");
            return;
        }
        tenant.opcodes.resize(count);
        std::iota(tenant.opcodes.begin(), tenant.opcodes.end(), first);
        tenant.opcode_length_mean = entry_.time("opcode_length").value_or(SimTime(0));
        if (count > 1 && tenant.opcode_length_mean == SimTime(0)) {
            entry_.refuse("opcode_count", fmt::format("is {} without opcode_length", count),
                          "opcode_length, the mean time with one opcode");
        }
    }

    /// One of four ways to come: at a rate, at the rates of states, from clients that wait, from a file.
    void read_arrivals(Tenant& tenant, SimTime duration) {
        const auto rate = entry_.rate("items_per_second");
        const auto clients = entry_.u32("clients");
        const auto trace = entry_.text("trace");
        const std::vector<RateState> states = read_states();
        const int ways = (rate ? 1 : 0) + (clients ? 1 : 0) + (trace ? 1 : 0) + (states.empty() ? 0 : 1);
        if (ways != 1) {
            entry_.refuse("name",
                          fmt::format("the tenant {} has {} ways to publish", printable(tenant.name), ways),
                          "one of items_per_second, clients, trace, [[run.service.tenant.state]]");
        }
        if (!rate && entry_.rate("burst_items_per_second")) {
            entry_.refuse("burst_items_per_second", "is given without items_per_second", "both");
        }
        if (!clients && entry_.time("think")) {
            entry_.refuse("think", "is given without clients", "both");
        }
        if (clients) {
            tenant.arrivals = ClosedArrivals{*clients, entry_.time("think").value_or(SimTime(0))};
        } else if (trace) {
            read_trace(tenant, *trace, duration);
        } else if (!states.empty()) {
            tenant.arrivals = OpenArrivals{0, states};
        } else {
            read_rate(tenant, rate);
        }
    }

    void read_rate(Tenant& tenant, const std::optional<double>& rate) {
        constexpr SimTime kBurstEvery{1'000'000};
        constexpr SimTime kBurstLength{100'000};
        OpenArrivals arrivals{rate.value_or(1), {}};
        check_rate(entry_, "items_per_second", rate);
        const SimTime every = entry_.time("burst_every").value_or(kBurstEvery);
        const SimTime length = entry_.time("burst_length").value_or(kBurstLength);
        if (const auto burst = entry_.rate("burst_items_per_second")) {
            check_rate(entry_, "burst_items_per_second", burst);
            arrivals.states = {{arrivals.items_per_second, every}, {*burst, length}};
        }
        tenant.arrivals = std::move(arrivals);
    }

    std::vector<RateState> read_states() {
        std::vector<RateState> states;
        const toml::node* const list = layer_.table->get("state");
        if (list == nullptr) {
            return states;
        }
        for_each_table(*list, layer_, "run.service.tenant.state", errors_, {},
                       [&](SectionReader& state, const Layer& /*layer*/) {
                           const auto rate = state.rate("items_per_second");
                           check_rate(state, "items_per_second", rate);
                           states.push_back({rate.value_or(0), state.time("length").value_or(SimTime(1))});
                       });
        if (states.size() == 1) {
            entry_.refuse("name", "has one state", "two or more, or items_per_second");
        }
        return states;
    }

    void read_trace(Tenant& tenant, const std::string& file, SimTime duration) {
        std::error_code code;
        if (!std::filesystem::exists(folder_ / file, code)) {
            entry_.refuse("trace",
                          fmt::format("{} does not exist", printable((folder_ / file).string(), kPathShown)),
                          "a CSV file relative to the scenario");
            return;
        }
        auto items = load_arrival_trace(folder_ / file);
        if (!items) {
            errors_.report(items.error());
            return;
        }
        if (items->front().time >= duration) {
            entry_.refuse("trace",
                          fmt::format("the first item comes at {} ns, and the service ends at {} ns",
                                      items->front().time.value(), duration.value()),
                          "a trace that begins before the end");
        }
        tenant.arrivals = TraceArrivals{*std::move(items)};
    }

    SectionReader& entry_;
    const Layer& layer_;
    const std::filesystem::path& folder_;
    FirstError& errors_;
};

/// Every tenant, or every client of one, has its own stream, its next arrival and its account in memory.
void check_tenants(const ServiceWorkload& workload, const RunTables& tables, FirstError& errors) {
    constexpr std::uint64_t kPublishersMax = 100'000'000;
    constexpr std::uint64_t kBytesAPublisher = 160;  // at the peak, while the event queue grows
    constexpr std::string_view kKey = "run.service.tenant";
    const auto refuse = [&](std::string problem, std::string allowed) {
        errors.report({.where = std::string(tables.source()),
                       .line = {},
                       .key = std::string(kKey),
                       .problem = std::move(problem),
                       .allowed = std::move(allowed)});
    };
    std::uint64_t publishers = 0;
    for (const Tenant& tenant : workload.tenants) {
        const auto* const closed = std::get_if<ClosedArrivals>(&tenant.arrivals);
        publishers += std::uint64_t{tenant.count} * (closed == nullptr ? 1 : closed->clients);
    }
    if (workload.tenants.empty()) {
        refuse("is missing", "one or more tables");
    } else if (publishers > kPublishersMax) {
        refuse(fmt::format("lists {} tenants and clients", publishers),
               fmt::format("at most {}", kPublishersMax));
    } else if (auto error = exceeds_memory(tables.source(), fmt::format("simulating {} publishers", publishers),
                                           publishers * kBytesAPublisher)) {
        error->key = kKey;
        errors.report(*std::move(error));
    }
}

}  // namespace

ServiceWorkload read_service(const RunTables& tables, const std::filesystem::path& folder, FirstError& errors) {
    SectionReader keys(scenario_keys(), "run.service", tables.own("service"), errors);
    constexpr SimTime kEpoch{20'000};
    constexpr std::uint32_t kWindowSlots = 64;
    constexpr BasisPoints kHotShare{1000};
    ServiceWorkload workload;
    workload.duration = keys.time("duration").value_or(SimTime(1));
    workload.warm_up = keys.time("warm_up").value_or(SimTime(0));
    workload.epoch = keys.time("epoch").value_or(kEpoch);
    workload.item = {keys.time("item").value_or(SimTime(1)), law_of(keys.text("item_law"))};
    workload.ring_slots = SlotCount(keys.u32("ring_slots").value_or(1));
    workload.window_slots = SlotCount(keys.u32("window_slots").value_or(kWindowSlots));
    workload.hot_opcode_share = keys.bps("hot_opcode_share_bps").value_or(kHotShare);
    workload.starvation_age = keys.u32("starvation_age").value_or(0);
    if (workload.warm_up >= workload.duration) {
        keys.refuse("warm_up", fmt::format("is {} ns, not before the end", workload.warm_up.value()),
                    fmt::format("0 to {} ns", workload.duration.value() - 1));
    }
    keys.refuse_unknown({"tenant"});
    for (const Layer& layer : tables.own("service")) {
        const toml::node* const list = layer.table == nullptr ? nullptr : layer.table->get("tenant");
        if (list != nullptr) {
            for_each_table(
                *list, layer, "run.service.tenant", errors, {"state"},
                [&](SectionReader& entry, const Layer& entry_layer) {
                    workload.tenants.push_back(TenantReader(entry, entry_layer, folder, errors).read(workload));
                });
        }
    }
    check_tenants(workload, tables, errors);
    return workload;
}

}  // namespace megabed

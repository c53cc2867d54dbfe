#include "scenarios/field_rule_reader.h"

#include <fmt/format.h>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace megabed {
namespace {

using P = FieldRuleParameters;

/// The field of one rule's parameters.
template <auto kRule, auto kField>
std::uint32_t& field(P& parameters) {
    return parameters.*kRule.*kField;
}

struct Count {
    std::string_view section;
    std::string_view key;
    std::uint32_t& (*field)(P&);
};

constexpr std::array kCounts{
    Count{"gap", "alpha", field<&P::gap, &GapParameters::alpha>},
    Count{"gap", "beta", field<&P::gap, &GapParameters::beta>},
    Count{"cugraph", "alpha_divisor_hundredths",
          field<&P::cugraph, &CugraphParameters::alpha_divisor_hundredths>},
    Count{"cugraph", "beta", field<&P::cugraph, &CugraphParameters::beta>},
    Count{"gunrock", "do_a_ppm", field<&P::gunrock, &GunrockParameters::do_a_ppm>},
    Count{"gunrock", "do_b_ppm", field<&P::gunrock, &GunrockParameters::do_b_ppm>},
    Count{"gswitch", "bitmap_ratio_ppm", field<&P::gswitch, &GswitchParameters::bitmap_ratio_ppm>},
    Count{"gswitch", "fuse_ratio_ppm", field<&P::gswitch, &GswitchParameters::fuse_ratio_ppm>},
    Count{"gswitch", "idle_levels", field<&P::gswitch, &GswitchParameters::idle_levels>},
    Count{"gswitch", "idle_arcs", field<&P::gswitch, &GswitchParameters::idle_arcs>},
    Count{"gswitch", "growth_reset", field<&P::gswitch, &GswitchParameters::growth_reset>},
    Count{"gswitch", "push_advantage", field<&P::gswitch, &GswitchParameters::push_advantage>},
    Count{"gswitch", "unfuse_growth", field<&P::gswitch, &GswitchParameters::unfuse_growth>},
    Count{"vyre-driver", "warp_sparse_ppm", field<&P::vyre_driver, &VyreDriverParameters::warp_sparse_ppm>},
    Count{"vyre-driver", "sparse_ppm", field<&P::vyre_driver, &VyreDriverParameters::sparse_ppm>},
    Count{"vyre-driver", "dense_ppm", field<&P::vyre_driver, &VyreDriverParameters::dense_ppm>},
    Count{"vyre-driver", "block_dense_ppm", field<&P::vyre_driver, &VyreDriverParameters::block_dense_ppm>},
    Count{"vyre-driver", "density_hysteresis_ppm",
          field<&P::vyre_driver, &VyreDriverParameters::density_hysteresis_ppm>},
    Count{"vyre-driver", "memory_red_zone_bps",
          field<&P::vyre_driver, &VyreDriverParameters::memory_red_zone_bps>},
    Count{"vyre-driver", "memory_hysteresis_bps",
          field<&P::vyre_driver, &VyreDriverParameters::memory_hysteresis_bps>},
    Count{"vyre-driver", "fusion_memory_margin_bps",
          field<&P::vyre_driver, &VyreDriverParameters::fusion_memory_margin_bps>},
    Count{"vyre-driver", "fusion_output_bytes",
          field<&P::vyre_driver, &VyreDriverParameters::fusion_output_bytes>},
    Count{"vyre-driver", "warp_sparse_degree_bps",
          field<&P::vyre_driver, &VyreDriverParameters::warp_sparse_degree_bps>},
    Count{"vyre-driver", "dense_degree_bps", field<&P::vyre_driver, &VyreDriverParameters::dense_degree_bps>},
    Count{"bandit", "exploration_ppm", field<&P::bandit, &BanditParameters::exploration_ppm>},
    Count{"bandit", "horizon", field<&P::bandit, &BanditParameters::horizon>},
    Count{"bandit", "window", field<&P::bandit, &BanditParameters::window>},
    Count{"arcs", "push_weight_hundredths", field<&P::arcs, &ArcParameters::push_weight_hundredths>},
    Count{"arcs", "work_per_lane", field<&P::arcs, &ArcParameters::work_per_lane>},
};

/// The layers of `[policy.NAME]`.
std::vector<Layer> layers_of(const std::vector<Layer>& policy, std::string_view name, FirstError& errors) {
    std::vector<Layer> layers;
    for (const Layer& layer : policy) {
        const toml::node* const node = layer.table == nullptr ? nullptr : layer.table->get(name);
        if (node == nullptr) {
            continue;
        }
        if (!node->is_table()) {
            InputError error{.where = std::string(layer.source),
                             .line = {},
                             .key = fmt::format("policy.{}", name),
                             .problem = fmt::format("is {}", as_written(*node)),
                             .allowed = "a table"};
            if (layer.has_lines) {
                error.line = node->source().begin.line;
            }
            errors.report(std::move(error));
            continue;
        }
        layers.push_back({node->as_table(), layer.source, layer.has_lines});
    }
    return layers;
}

/// Bands of density that overlap would leave it to the order of the tests which counts; the message names the
/// threshold that was given.
void check_bands(SectionReader& section, const VyreDriverParameters& bands) {
    const struct {
        std::string_view low;
        std::string_view high;
        std::uint32_t low_ppm;
        std::uint32_t high_ppm;
        std::uint32_t gap;
    } pairs[] = {
        {"warp_sparse_ppm", "sparse_ppm", bands.warp_sparse_ppm, bands.sparse_ppm, 0},
        {"sparse_ppm", "dense_ppm", bands.sparse_ppm, bands.dense_ppm, 1},
        {"dense_ppm", "block_dense_ppm", bands.dense_ppm, bands.block_dense_ppm, 0},
    };
    for (const auto& pair : pairs) {
        if (pair.low_ppm + pair.gap <= pair.high_ppm) {
            continue;
        }
        if (section.integer(pair.low)) {
            section.refuse(pair.low, fmt::format("is {} with {} of {}", pair.low_ppm, pair.high, pair.high_ppm),
                           fmt::format("at most {}", std::int64_t{pair.high_ppm} - pair.gap));
        } else {
            section.refuse(pair.high, fmt::format("is {} with {} of {}", pair.high_ppm, pair.low, pair.low_ppm),
                           fmt::format("at least {}", pair.low_ppm + pair.gap));
        }
    }
}

}  // namespace

std::vector<std::string_view> field_rule_sections() {
    std::vector<std::string_view> sections;
    for (const Count& row : kCounts) {
        if (sections.empty() || sections.back() != row.section) {
            sections.push_back(row.section);
        }
    }
    return sections;
}

void read_field_rules(const std::vector<Layer>& policy, FieldRuleParameters& parameters, FirstError& errors) {
    for (const std::string_view name : field_rule_sections()) {
        const std::string dotted = fmt::format("policy.{}", name);
        SectionReader section(scenario_keys(), dotted, layers_of(policy, name, errors), errors);
        for (const Count& row : kCounts) {
            if (row.section == name) {
                std::uint32_t& value = row.field(parameters);
                value = static_cast<std::uint32_t>(section.integer(row.key).value_or(value));
            }
        }
        if (name == "bandit") {
            const auto seed = section.integer("seed");
            parameters.bandit.seed = seed ? static_cast<std::uint64_t>(*seed) : parameters.bandit.seed;
        }
        section.refuse_unknown();
        if (name == "vyre-driver") {
            check_bands(section, parameters.vyre_driver);
        }
    }
}

}  // namespace megabed

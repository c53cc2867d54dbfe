#pragma once

#include "scenarios/section_reader.h"
#include "scenarios/toml.h"
#include "sim/scenario.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace megabed {

/// How `--set` is named as a source.
inline constexpr std::string_view kSetFlag = "--set";

/// The tables of one run, from the one that wins to the one that is asked last.
class RunTables {
public:
    RunTables(const toml::table& settings, const toml::table& run, const toml::table& root,
              std::string_view source)
        : settings_(settings), run_(run), root_(root), source_(source) {}

    /// A section that may be shared: --set, --set run., the run, the file.
    [[nodiscard]] std::vector<Layer> shared(std::string_view section) const {
        std::vector<Layer> layers{{settings_.get_as<toml::table>(section), kSetFlag, false}};
        const std::vector<Layer> own_layers = own(section);
        layers.insert(layers.end(), own_layers.begin(), own_layers.end());
        layers.push_back({root_.get_as<toml::table>(section), source_, true});
        return layers;
    }

    /// A section of the run itself: --set run., the run.
    [[nodiscard]] std::vector<Layer> own(std::string_view section) const {
        const toml::table* const set_run = settings_.get_as<toml::table>("run");
        return {{set_run == nullptr ? nullptr : set_run->get_as<toml::table>(section), kSetFlag, false},
                {run_.get_as<toml::table>(section), source_, true}};
    }

    [[nodiscard]] std::vector<Layer> run() const {
        return {{settings_.get_as<toml::table>("run"), kSetFlag, false}, {&run_, source_, true}};
    }

    /// Where a list of tables that may be shared stands: --set, --set run., the run, the file.
    [[nodiscard]] std::vector<Layer> with_lists() const {
        return {{&settings_, kSetFlag, false},
                {settings_.get_as<toml::table>("run"), kSetFlag, false},
                {&run_, source_, true},
                {&root_, source_, true}};
    }

    [[nodiscard]] const toml::table& run_table() const { return run_; }
    [[nodiscard]] std::string_view source() const { return source_; }

private:
    const toml::table& settings_;
    const toml::table& run_;
    const toml::table& root_;
    std::string_view source_;
};

/// Reads the sections of one run; what is wrong goes to `errors`. Paths are relative to `folder`.
[[nodiscard]] Scenario read_run(const RunTables& tables, const std::filesystem::path& folder,
                                FirstError& errors);

}  // namespace megabed

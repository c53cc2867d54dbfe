// How fast files are read: bytes of text a second, decompressed where the file is. Every file is in memory
// before the clock runs. Run from the checkout, or with MEGABED_SCENARIOS and MEGABED_PROPERTIES.
#include "properties/conformance.h"
#include "properties/expectation_file.h"
#include "properties/golden_file.h"
#include "scenarios/catalog.h"
#include "scenarios/device_loader.h"
#include "scenarios/scenario_loader.h"
#include "sim/graphs/edge_file.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>

namespace megabed {
namespace {

namespace fs = std::filesystem;

fs::path golden(const char* name) { return properties_directory() / "golden" / name; }
fs::path graph(const char* name) { return catalog_directory() / "graphs" / name; }

/// The bytes of a file as they are, compressed or not.
std::string bytes_of(const fs::path& path) { return read_text_file(path).value(); }

/// The decompressed text of a file.
std::string text_of(const fs::path& path) {
    std::string text;
    auto reader = LineReader::open(path).value();
    while (const auto line = reader.next().value()) {
        text.append(*line) += '\n';
    }
    return text;
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void parse_text(benchmark::State& state, const std::string& text, const std::string& path) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_scenario(text, path).value().runs.size());
    }
    count_bytes(state, text.size());
}

/// A scenario, its device profile and the check of every key included.
void scenario(benchmark::State& state, const char* name) {
    const fs::path path = catalog_directory() / name;
    parse_text(state, bytes_of(path), path.string());
}

/// A service with many tenants: what a byte costs once the file is long.
void scenario_of_tenants(benchmark::State& state) {
    std::string text =
        "format = 1\nsummary = 's'\n[[run]]\nname = 'r'\n[run.service]\nduration = '1 ms'\nitem = '1 us'\n"
        "ring_slots = 1024\n";
    for (std::int64_t tenant = 0; tenant < state.range(0); ++tenant) {
        fmt::format_to(std::back_inserter(text),
                       "[[run.service.tenant]]\nname = 'tenant-{}'\nitems_per_second = 1000.0\npriority = {}\n",
                       tenant, tenant % 4);
    }
    parse_text(state, text, (catalog_directory() / "benchmark.toml").string());
}

void device(benchmark::State& state) {
    const fs::path path = catalog_directory() / "devices" / "h200.toml";
    const std::string text = bytes_of(path);
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_device(text, path.string()).value().multiprocessors);
    }
    count_bytes(state, text.size());
}

void parse_edges(benchmark::State& state, const char* name, const std::string& text) {
    for (auto _ : state) {
        auto reader = LineReader::from_text(name, text).value();
        benchmark::DoNotOptimize(read_edge_file(reader).value().arcs_in_file);
    }
    count_bytes(state, text.size());
}

void edges(benchmark::State& state, const char* name) { parse_edges(state, name, text_of(graph(name))); }

/// The edges of a Matrix Market file as a SNAP list, whose ids have to be sorted and renumbered.
void snap_edges(benchmark::State& state, const char* name) {
    const EdgeFile file = read_edge_file(graph(name)).value();
    std::string text = "# a list as SNAP has them\n";
    for (const auto& block : file.edges.blocks()) {
        for (const auto& edge : block) {
            fmt::format_to(std::back_inserter(text), "{}\t{}\n", edge.from * std::uint64_t{7},
                           edge.to * std::uint64_t{7});
        }
    }
    parse_edges(state, "list.txt", text);
}

/// Lines alone, decompressed or not: what every reader above rests on.
void read_lines(benchmark::State& state, const std::string& bytes) {
    std::uint64_t text = 0;
    for (auto _ : state) {
        auto reader = LineReader::from_text("lines", bytes).value();
        while (reader.next().value()) {
        }
        text = reader.bytes_read();
    }
    count_bytes(state, text);
}
void lines_of_gzip(benchmark::State& state, const char* name) { read_lines(state, bytes_of(graph(name))); }
void lines_of_text(benchmark::State& state, const char* name) { read_lines(state, text_of(graph(name))); }

/// Rows of golden CSV, split and counted.
void golden_rows(benchmark::State& state, const char* name) {
    const std::string text = text_of(golden(name));
    std::uint64_t rows = 0;
    for (auto _ : state) {
        auto file = GoldenFile::from_reader(LineReader::from_text(name, text).value()).value();
        while (file.next().value()) {
            ++rows;
        }
    }
    count_bytes(state, text.size());
    state.SetItemsProcessed(static_cast<std::int64_t>(rows));
}

/// The same, every cell read, asked of the reference and compared: `megabed conform`.
void golden_conformance(benchmark::State& state, const char* name) {
    const std::string text = text_of(golden(name));
    const ConformanceTarget target = reference_on_host();
    std::uint64_t rows = 0;
    for (auto _ : state) {
        auto file = GoldenFile::from_reader(LineReader::from_text(name, text).value()).value();
        rows += check_conformance(std::move(file), target).value().rows;
    }
    count_bytes(state, text.size());
    state.SetItemsProcessed(static_cast<std::int64_t>(rows));
}

BENCHMARK_CAPTURE(scenario, quickstart, "quickstart.toml")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(scenario, tenants, "tenants.toml")->Unit(benchmark::kMicrosecond);
BENCHMARK(scenario_of_tenants)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(device)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(edges, matrix_market, "soc-slashdot0902.mtx.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(edges, matrix_market_large, "ego-twitter.mtx.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(edges, dimacs, "bremen-road.gr.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(snap_edges, snap, "soc-slashdot0902.mtx.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lines_of_gzip, matrix_market, "soc-slashdot0902.mtx.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lines_of_text, matrix_market, "soc-slashdot0902.mtx.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(golden_rows, launch, "launch.csv.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(golden_conformance, launch, "launch.csv.gz")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(golden_conformance, sequence, "sequence.csv.gz")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace megabed

#include "sim/graphs/graph_source.h"
#include "sim/graphs/kronecker.h"
#include "sim/memory_limit.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/erdos_renyi_generator.hpp>
#include <boost/graph/mesh_graph_generator.hpp>
#include <boost/graph/plod_generator.hpp>
#include <boost/graph/rmat_graph_generator.hpp>
#include <boost/graph/small_world_generator.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace megabed {
namespace {

using BoostGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;
using BoostRandom = boost::random::mt19937_64;

/// The keys of one SPEC, each with a default and a range; remembers the first thing that is wrong.
class SpecReader {
public:
    explicit SpecReader(std::string_view spec) : spec_(spec) {
        std::string_view rest = spec.substr(spec.find(':') + 1);
        while (!rest.empty()) {
            const std::string_view field = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), field.size() + 1));
            const std::size_t equals = field.find('=');
            if (equals == std::string_view::npos) {
                refuse({}, fmt::format("{} is not a setting", printable(field)), "key=value");
            } else if (!given_.emplace(field.substr(0, equals), field.substr(equals + 1)).second) {
                refuse(field.substr(0, equals), "is given twice", "once");
            }
        }
    }

    template <class Number>
    Number take(std::string_view key, Number fallback, Number least, Number most) {
        known_.push_back(key);
        const auto found = given_.find(key);
        if (found == given_.end()) {
            return fallback;
        }
        const std::string_view text = found->second;
        Number value{};
        const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = code == std::errc() && stop == text.data() + text.size();
        if (!whole || !(value >= least && value <= most)) {
            refuse(key, fmt::format("is {}", printable(text)), fmt::format("{} to {}", least, most));
            return fallback;
        }
        return value;
    }

    /// The first error, unknown keys and a graph beyond the machine's memory included. Call after every `take`.
    [[nodiscard]] std::optional<InputError> finish(std::uint64_t vertices, std::uint64_t edges) {
        for (const auto& [key, value] : given_) {
            if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
                const auto guess = nearest(key, known_);
                refuse(key, guess ? fmt::format("is no key here; did you mean {}?", *guess) : "is no key here",
                       listed(known_));
            }
        }
        return error_ ? error_ : exceeds_memory(spec_, static_cast<Vertex>(vertices), edges);
    }

    [[nodiscard]] std::string_view text() const { return spec_; }

    void refuse(std::string_view key, std::string problem, std::string allowed) {
        if (!error_) {
            error_ = InputError{.where = std::string(spec_),
                                .line = {},
                                .key = std::string(key),
                                .problem = std::move(problem),
                                .allowed = std::move(allowed)};
        }
    }

private:
    std::string_view spec_;
    std::map<std::string_view, std::string_view> given_;
    std::vector<std::string_view> known_;
    std::optional<InputError> error_;
};

constexpr std::uint32_t kScaleMax = 31;
constexpr std::uint32_t kFactorMax = 1024;
constexpr std::uint64_t kSeedMax = ~std::uint64_t{0};
/// Boost's generators count edges in int.
constexpr std::uint64_t kBoostEdgesMax = std::uint64_t{1} << 29;

using Generated = Loaded<GeneratedEdges>;

template <class Iterator>
Generated collect(std::string_view spec, Vertex vertices, Iterator edge, const Iterator& end) {
    GeneratedEdges generated{vertices, {}};
    std::uint64_t count = 0;
    for (; !(edge == end); ++edge) {
        const auto [from, to] = *edge;
        generated.edges.push_back({static_cast<Vertex>(from), static_cast<Vertex>(to)});
        if (++count > kBoostEdgesMax) {
            return Refusal(InputError{.where = std::string(spec),
                                      .line = {},
                                      .key = {},
                                      .problem = "makes too many edges",
                                      .allowed = fmt::format("at most {}", kBoostEdgesMax)});
        }
    }
    return generated;
}

KroneckerParameters take_kronecker(SpecReader& spec, std::uint32_t scale_max) {
    KroneckerParameters parameters;
    parameters.scale = spec.take("scale", parameters.scale, 1U, scale_max);
    parameters.edge_factor = spec.take("edge_factor", parameters.edge_factor, 1U, kFactorMax);
    parameters.a = spec.take("a", parameters.a, 0.0, 1.0);
    parameters.b = spec.take("b", parameters.b, 0.0, 1.0);
    parameters.c = spec.take("c", parameters.c, 0.0, 1.0);
    parameters.seed = spec.take("seed", parameters.seed, std::uint64_t{0}, kSeedMax);
    constexpr double kRounding = 1e-9;
    if (parameters.a + parameters.b + parameters.c > 1.0 + kRounding) {
        spec.refuse("a + b + c", fmt::format("is {}", parameters.a + parameters.b + parameters.c), "at most 1");
    }
    return parameters;
}

Generated kronecker(SpecReader spec) {
    const KroneckerParameters parameters = take_kronecker(spec, kScaleMax);
    const Vertex vertices = Vertex{1} << parameters.scale;
    if (auto error = spec.finish(vertices, std::uint64_t{parameters.edge_factor} << parameters.scale)) {
        return Refusal(*std::move(error));
    }
    return GeneratedEdges{vertices, generate_kronecker(parameters)};
}

Generated rmat(SpecReader spec) {
    constexpr std::uint32_t kBoostScaleMax = 24;
    const KroneckerParameters parameters = take_kronecker(spec, kBoostScaleMax);
    const std::uint64_t edges = std::uint64_t{parameters.edge_factor} << parameters.scale;
    if (edges > kBoostEdgesMax) {
        spec.refuse("edge_factor", fmt::format("makes {} edges", edges),
                    fmt::format("at most {} edges; kronecker makes more", kBoostEdgesMax));
    }
    const Vertex vertices = Vertex{1} << parameters.scale;
    if (auto error = spec.finish(vertices, edges)) {
        return Refusal(*std::move(error));
    }
    BoostRandom random(parameters.seed);
    using Iterator = boost::rmat_iterator<BoostRandom, BoostGraph>;
    const double d = 1.0 - parameters.a - parameters.b - parameters.c;
    // The iterator stops one edge short of what it is asked for.
    return collect(spec.text(), vertices,
                   Iterator(random, vertices, edges + 1, parameters.a, parameters.b, parameters.c, d),
                   Iterator());
}

Generated erdos_renyi(SpecReader spec) {
    const auto vertices = spec.take<std::uint32_t>("vertices", 65'536, 2, 1U << 28);
    const auto edges = spec.take<std::uint64_t>("edges", 524'288, 0, kBoostEdgesMax);
    const auto seed = spec.take<std::uint64_t>("seed", 1, 0, kSeedMax);
    const double pairs = 0.5 * vertices * (vertices - 1.0);
    if (static_cast<double>(edges) >= pairs) {
        spec.refuse("edges", fmt::format("is {}", edges),
                    fmt::format("fewer than the {} pairs of {} vertices", pairs, vertices));
    }
    if (auto error = spec.finish(vertices, edges)) {
        return Refusal(*std::move(error));
    }
    if (edges == 0) {
        return GeneratedEdges{vertices, {}};
    }
    BoostRandom random(seed);
    using Iterator = boost::sorted_erdos_renyi_iterator<BoostRandom, BoostGraph>;
    return collect(spec.text(), vertices, Iterator(random, vertices, static_cast<double>(edges) / pairs),
                   Iterator());
}

Generated small_world(SpecReader spec) {
    const auto vertices = spec.take<std::uint32_t>("vertices", 65'536, 4, 1U << 28);
    const auto neighbours = spec.take<std::uint32_t>("neighbours", 8, 2, 1024);
    const auto rewire = spec.take<double>("rewire", 0.05, 0.0, 1.0);
    const auto seed = spec.take<std::uint64_t>("seed", 1, 0, kSeedMax);
    if (neighbours % 2 != 0) {
        spec.refuse("neighbours", fmt::format("is {}", neighbours), "an even number: half on either side");
    }
    if (neighbours + 2 > vertices) {
        // Boost redraws a rewired end until it falls outside the neighbourhood; there must be an outside.
        spec.refuse("neighbours", fmt::format("is {}", neighbours), fmt::format("2 to {}", vertices - 2));
    }
    if (auto error = spec.finish(vertices, std::uint64_t{vertices} * neighbours / 2)) {
        return Refusal(*std::move(error));
    }
    BoostRandom random(seed);
    using Iterator = boost::small_world_iterator<BoostRandom, BoostGraph>;
    return collect(spec.text(), vertices, Iterator(random, vertices, neighbours, rewire), Iterator());
}

Generated plod(SpecReader spec) {
    const auto vertices = spec.take<std::uint32_t>("vertices", 65'536, 2, 1U << 24);
    const auto alpha = spec.take<double>("alpha", 0.75, 0.0, 10.0);
    // A degree of more than every other vertex would be the same edges again.
    const double most = vertices - 1.0;
    const auto beta = spec.take<double>("beta", std::min(8192.0, most), 1.0, most);
    const auto seed = spec.take<std::uint64_t>("seed", 1, 0, kSeedMax);
    // Every vertex draws a rank below `vertices`; rank 0 has no edges.
    double expected_edges = 0.0;
    for (std::uint32_t rank = 1; rank < vertices; ++rank) {
        expected_edges += std::floor(beta * std::pow(rank, -alpha));
    }
    if (expected_edges > static_cast<double>(kBoostEdgesMax)) {
        spec.refuse("beta", fmt::format("makes about {:.0f} edges", expected_edges),
                    fmt::format("at most {}", kBoostEdgesMax));
    }
    if (auto error = spec.finish(vertices, static_cast<std::uint64_t>(expected_edges))) {
        return Refusal(*std::move(error));
    }
    BoostRandom random(seed);
    // The directed form: the undirected one never ends once a single vertex has degrees left to place.
    using Directed = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
    using Iterator = boost::plod_iterator<BoostRandom, Directed>;
    return collect(spec.text(), vertices, Iterator(random, vertices, alpha, beta), Iterator());
}

Generated mesh(SpecReader spec) {
    const auto rows = spec.take<std::uint32_t>("rows", 1024, 2, 1U << 20);
    const auto columns = spec.take<std::uint32_t>("columns", 1024, 2, 1U << 20);
    const auto wrap = spec.take<std::uint32_t>("wrap", 0, 0, 1);
    const std::uint64_t cells = std::uint64_t{rows} * columns;
    if (cells > kBoostEdgesMax / 2) {
        spec.refuse("rows", fmt::format("times columns is {}", cells),
                    fmt::format("at most {}", kBoostEdgesMax / 2));
    }
    if (auto error = spec.finish(cells, 2 * cells)) {
        return Refusal(*std::move(error));
    }
    using Iterator = boost::mesh_iterator<BoostGraph>;
    return collect(spec.text(), static_cast<Vertex>(cells), Iterator(columns, rows, wrap == 1), Iterator());
}

struct Generator {
    GeneratorRow row;
    Generated (*generate)(SpecReader);
};

constexpr std::array kGenerators{
    Generator{{"rmat", "rmat:scale=16,edge_factor=16,a=0.57,b=0.19,c=0.19,seed=1",
               "R-MAT power law (Boost.Graph; scale 1 to 24)"},
              rmat},
    Generator{{"kronecker", "kronecker:scale=16,edge_factor=16,a=0.57,b=0.19,c=0.19,seed=1",
               "R-MAT power law, parallel, labels permuted (scale 1 to 31)"},
              kronecker},
    Generator{{"mesh", "mesh:rows=1024,columns=1024,wrap=0", "4-neighbour grid; wrap=1 closes it to a torus"},
              mesh},
    Generator{{"erdos-renyi", "erdos-renyi:vertices=65536,edges=524288,seed=1",
               "each pair with equal probability; edges is the expected number"},
              erdos_renyi},
    Generator{{"small-world", "small-world:vertices=65536,neighbours=8,rewire=0.05,seed=1",
               "Watts-Strogatz ring with rewired edges"},
              small_world},
    Generator{{"plod", "plod:vertices=65536,alpha=0.75,beta=8192,seed=1",
               "power-law out-degree: rank x has floor(beta / x^alpha) edges, beta below vertices"},
              plod},
};

constexpr auto kRows = [] {
    std::array<GeneratorRow, kGenerators.size()> rows{};
    for (std::size_t at = 0; at < rows.size(); ++at) {
        rows[at] = kGenerators[at].row;
    }
    return rows;
}();

const Generator* find_generator(std::string_view spec) {
    const std::string_view name = spec.substr(0, spec.find(':'));
    const auto* const found =
        std::find_if(kGenerators.begin(), kGenerators.end(),
                     [&](const Generator& generator) { return generator.row.name == name; });
    return found == kGenerators.end() ? nullptr : found;
}

}  // namespace

std::span<const GeneratorRow> graph_generators() { return kRows; }

bool is_generator_spec(std::string_view source) {
    return source.find(':') != std::string_view::npos && find_generator(source) != nullptr;
}

Loaded<GeneratedEdges> generate_edges(std::string_view spec) {
    const Generator* const generator = find_generator(spec);
    if (generator == nullptr) {
        std::vector<std::string_view> names;
        names.reserve(kRows.size());
        for (const GeneratorRow& row : kRows) {
            names.push_back(row.name);
        }
        return Refusal(InputError{.where = std::string(spec),
                                  .line = {},
                                  .key = {},
                                  .problem = "is no graph generator",
                                  .allowed = listed(names)});
    }
    return generator->generate(SpecReader(spec));
}

}  // namespace megabed

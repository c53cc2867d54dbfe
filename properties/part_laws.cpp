#include "properties/law_families.h"
#include "properties/walk.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

namespace megabed {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void clear(LawCase& input) {
    input.parameters = {};
    input.prelude.clear();
    input.steps.clear();
    input.part.values.clear();
    input.part.weights.clear();
    input.part.integers.clear();
    input.part.rate = 0.0;
    input.part.count = 0;
}

/// -1 to 1 in 2^20 steps.
double unit(Choices& choices) {
    constexpr double kSteps = 1 << 20;
    return static_cast<double>(choices.below(1 << 21)) / kSteps - 1.0;
}

// --- H1: integers are the candidates, values their costs, count the current choice ---

constexpr std::array kCostClasses{LawClass{"a NaN cost"}, LawClass{"a negative NaN cost"},
                                  LawClass{"a candidate of 0"}, LawClass{"nothing to choose from"}};

void draw_h1(Choices& choices, LawCase& input) {
    clear(input);
    for (std::uint64_t length = choices.below(6); length > 0; --length) {
        input.part.integers.push_back(static_cast<std::uint32_t>(choices.below(5) * choices.below(64)));
    }
    for (std::uint64_t length = choices.below(6); length > 0; --length) {
        const double special = choices.pick({kNaN, -kNaN, kInfinity, -kInfinity, 0.0, -0.0, 1.0});
        input.part.values.push_back(choices.one_in(2) ? special : unit(choices));
    }
    input.part.count = static_cast<std::uint32_t>(choices.between(1, 64));
}

Judgement check_h1(const Policy& /*policy*/, const PolicyParts& parts, const LawCase& input) {
    const std::vector<std::uint32_t>& candidates = input.part.integers;
    const std::vector<double>& costs = input.part.values;
    const std::uint32_t current = input.part.count;
    if (current == 0) {
        return outside_domain();
    }
    const std::uint32_t chosen = parts.autotune(candidates, costs, current);
    const std::size_t count = std::min(candidates.size(), costs.size());
    std::uint32_t classes = count == 0 ? class_mask(kOwnClasses + 3) : 0;
    bool possible = false;  // whether a candidate with a known cost has the chosen value
    double least = kInfinity;
    bool any_known = false;
    for (std::size_t at = 0; at < count; ++at) {
        const bool nan = std::isnan(costs[at]);
        classes |= nan ? class_mask(kOwnClasses) : 0;
        classes |= nan && std::signbit(costs[at]) ? class_mask(kOwnClasses + 1) : 0;
        classes |= candidates[at] == 0 ? class_mask(kOwnClasses + 2) : 0;
        if (!nan && candidates[at] != 0) {
            any_known = true;
            least = std::min(least, costs[at]);
        }
    }
    for (std::size_t at = 0; at < count; ++at) {
        possible |= candidates[at] == chosen && chosen != 0 && !std::isnan(costs[at]) && costs[at] <= least;
    }
    if (chosen == 0) {
        return breaks(classes, "a candidate of 0 is chosen");
    }
    if (any_known ? !possible : chosen != current) {
        return breaks(classes, fmt::format("{} is chosen, which has no known cost or not the least", chosen));
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- H2: values are priorities, integers pairs of siblings, weights theirs, rate the damping, count the
// iterations ---

constexpr std::array kDiffusionClasses{LawClass{"connected siblings"}, LawClass{"several components"},
                                       LawClass{"damping above 1"}, LawClass{"many iterations"}};
constexpr std::uint32_t kManyIterations = 20'000;

void draw_h2(Choices& choices, LawCase& input) {
    clear(input);
    const std::uint64_t items = choices.between(1, 5);
    for (std::uint64_t item = 0; item < items; ++item) {
        input.part.values.push_back(100.0 * unit(choices));
    }
    for (std::uint64_t links = items > 1 ? choices.below(2 * items) : 0; links > 0; --links) {
        const auto first = static_cast<std::uint32_t>(choices.below(items));
        const auto second = static_cast<std::uint32_t>(choices.below(items));
        if (first != second) {
            input.part.integers.insert(input.part.integers.end(), {first, second});
            input.part.weights.push_back(0.5 + static_cast<double>(choices.below(4)));
        }
    }
    input.part.rate = choices.one_in(2) ? 0.1 + static_cast<double>(choices.below(10)) / 10.0
                                        : static_cast<double>(choices.between(1, 8)) / 2.0;
    input.part.count = choices.one_in(8) ? kManyIterations : static_cast<std::uint32_t>(choices.below(8));
}

/// Items that links connect, by the lowest of them.
std::vector<std::uint32_t> components(std::size_t items, std::span<const SiblingLink> links) {
    std::vector<std::uint32_t> root(items);
    std::iota(root.begin(), root.end(), 0U);
    for (std::size_t pass = 0; pass < items; ++pass) {
        for (const SiblingLink& link : links) {
            root[link.first] = root[link.second] = std::min(root[link.first], root[link.second]);
        }
    }
    return root;
}

/// Largest minus least value of a component.
double spread_of(std::span<const double> values, const std::vector<std::uint32_t>& root,
                 std::uint32_t component) {
    double least = kInfinity;
    double most = -kInfinity;
    for (std::size_t item = 0; item < values.size(); ++item) {
        if (root[item] == component) {
            least = std::min(least, values[item]);
            most = std::max(most, values[item]);
        }
    }
    return most - least;
}

Judgement check_h2(const Policy& /*policy*/, const PolicyParts& parts, const LawCase& input) {
    const PartInput& part = input.part;
    std::vector<SiblingLink> links;
    if (part.integers.size() != 2 * part.weights.size() || !(part.rate >= 0.1) || part.rate > 1e6 ||
        part.values.empty()) {
        return outside_domain();
    }
    for (std::size_t at = 0; at < part.weights.size(); ++at) {
        const SiblingLink link{part.integers[2 * at], part.integers[2 * at + 1], part.weights[at]};
        const bool inside = link.first < part.values.size() && link.second < part.values.size();
        if (!inside || link.first == link.second || !(link.weight >= 0.5 && link.weight <= 4.0)) {
            return outside_domain();
        }
        links.push_back(link);
    }
    if (std::any_of(part.values.begin(), part.values.end(),
                    [](double value) { return !(std::abs(value) <= 1e6); })) {
        return outside_domain();
    }
    const auto root = components(part.values.size(), links);
    std::uint32_t classes = links.empty() ? 0 : class_mask(kOwnClasses);
    classes |= std::count(root.begin(), root.end(), 0U) < static_cast<std::ptrdiff_t>(root.size())
                   ? class_mask(kOwnClasses + 1)
                   : 0;
    classes |= part.rate > 1.0 ? class_mask(kOwnClasses + 2) : 0;
    classes |= part.count >= kManyIterations ? class_mask(kOwnClasses + 3) : 0;
    const auto after = parts.diffuse(part.values, links, part.rate, part.count);
    if (!after || after->size() != part.values.size()) {
        return breaks(classes, "no value for every item");
    }
    const auto [least, most] = std::minmax_element(part.values.begin(), part.values.end());
    double total_before = 0.0;
    double total_after = 0.0;
    double magnitude = 0.0;
    for (std::size_t item = 0; item < after->size(); ++item) {
        const double value = (*after)[item];
        if (!(value >= *least && value <= *most)) {
            return breaks(classes,
                          fmt::format("item {} becomes {}, outside {} to {}", item, value, *least, *most));
        }
        total_before += part.values[item];
        total_after += value;
        magnitude += std::abs(part.values[item]);
    }
    constexpr double kRounding = 1e-9;
    if (!(std::abs(total_after - total_before) <= kRounding * (magnitude + 1.0))) {
        return breaks(classes, fmt::format("the total goes from {} to {}", total_before, total_after));
    }
    for (const std::uint32_t component : root) {
        const double before = spread_of(part.values, root, component);
        const double spread = spread_of(*after, root, component);
        if (spread > before + kRounding * (magnitude + 1.0)) {
            return breaks(classes, fmt::format("connected siblings drift apart, {} to {}", before, spread));
        }
        constexpr double kEqual = 1e-3;
        if (part.count >= kManyIterations && spread > kEqual * before + kRounding * (magnitude + 1.0)) {
            return breaks(classes, fmt::format("after {} iterations connected siblings are still {} apart",
                                               part.count, spread));
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

// --- H3: weights are the Fisher matrix, values the gradient, count n, rate the rate ---

constexpr std::array kGradientClasses{LawClass{"n x n"}, LawClass{"another shape"},
                                      LawClass{"correlated directions"}};

void draw_h3(Choices& choices, LawCase& input) {
    clear(input);
    const std::uint64_t n = choices.between(1, 4);
    std::vector<double> root(n * n);
    for (double& entry : root) {
        entry = unit(choices);
    }
    for (std::uint64_t row = 0; row < n; ++row) {
        for (std::uint64_t column = 0; column < n; ++column) {
            double entry = row == column ? 0.5 : 0.0;
            for (std::uint64_t k = 0; k < n; ++k) {
                entry += root[row * n + k] * root[column * n + k];
            }
            input.part.weights.push_back(entry);
        }
        input.part.values.push_back(unit(choices));
    }
    input.part.rate = 0.25 * static_cast<double>(choices.between(1, 8));
    input.part.count = static_cast<std::uint32_t>(n);
    if (choices.one_in(4)) {
        input.part.weights.push_back(1.0);
    } else if (choices.one_in(8)) {
        input.part.weights.pop_back();
    }
}

Judgement check_h3(const Policy& /*policy*/, const PolicyParts& parts, const LawCase& input) {
    const PartInput& part = input.part;
    const std::size_t n = part.count;
    if (n == 0 || n > 8 || part.values.size() != n) {
        return outside_domain();
    }
    const bool square = part.weights.size() == n * n;
    std::uint32_t classes = class_mask(square ? kOwnClasses : kOwnClasses + 1);
    const auto step = parts.natural_gradient(part.weights, part.values, part.count, part.rate);
    if (!square) {
        return step ? breaks(classes, fmt::format("a matrix of {} entries passes for {} x {}",
                                                  part.weights.size(), n, n))
                    : Judgement{CaseOutcome::Holds, classes, {}};
    }
    // Symmetric, or the law does not speak of it. A matrix whose diagonal outweighs its rows is positive
    // definite for certain and may not be refused; of others a policy may say that they are not.
    bool dominant = true;
    for (std::size_t row = 0; row < n; ++row) {
        double others = 0.0;
        for (std::size_t column = 0; column < n; ++column) {
            const double entry = part.weights[row * n + column];
            if (!(std::abs(entry) <= 1e3) || std::abs(entry - part.weights[column * n + row]) > 1e-12) {
                return outside_domain();
            }
            classes |= row != column && entry != 0.0 ? class_mask(kOwnClasses + 2) : 0;
            others += column == row ? 0.0 : std::abs(entry);
        }
        dominant = dominant && part.weights[row * n + row] > others;
    }
    if (!step) {
        return dominant ? breaks(classes, "a positive definite matrix is refused: " + to_string(step.error()))
                        : outside_domain();
    }
    if (step->size() != n) {
        return breaks(classes, fmt::format("a step of {} entries for {} directions", step->size(), n));
    }
    // The oracle multiplies back: F * step must be -rate * gradient.
    for (std::size_t row = 0; row < n; ++row) {
        double image = 0.0;
        for (std::size_t column = 0; column < n; ++column) {
            image += part.weights[row * n + column] * (*step)[column];
        }
        const double wanted = -part.rate * part.values[row];
        if (!(std::abs(image - wanted) <= 1e-6 * (1.0 + std::abs(wanted)))) {
            return breaks(classes,
                          fmt::format("the Fisher matrix times the step gives {}, not {}: no inverse is used",
                                      image, wanted));
        }
    }
    return {CaseOutcome::Holds, classes, {}};
}

bool has_autotune(const PolicyParts& parts) { return parts.autotune != nullptr; }
bool has_diffusion(const PolicyParts& parts) { return parts.diffuse != nullptr; }
bool has_gradient(const PolicyParts& parts) { return parts.natural_gradient != nullptr; }

constexpr std::array kLaws{
    Law{.id = "H1",
        .sentence = "autotuning never picks a NaN cost nor a candidate of 0",
        .scope = LawScope::Part,
        .draw = draw_h1,
        .check = check_h1,
        .must_reach = class_mask(kOwnClasses, kOwnClasses + 1, kOwnClasses + 2, kOwnClasses + 3),
        .own_classes = kCostClasses,
        .applies = has_autotune},
    Law{.id = "H2",
        .sentence =
            "diffusion keeps every value in the initial range, preserves the total and equalises connected "
            "siblings",
        .scope = LawScope::Part,
        .draw = draw_h2,
        .check = check_h2,
        .must_reach = class_mask(kOwnClasses, kOwnClasses + 1, kOwnClasses + 2, kOwnClasses + 3),
        .own_classes = kDiffusionClasses,
        .applies = has_diffusion,
        .cost = 50},
    Law{.id = "H3",
        .sentence =
            "a matrix that is not n x n is an error, and the natural gradient uses the inverse Fisher block",
        .scope = LawScope::Part,
        .draw = draw_h3,
        .check = check_h3,
        .must_reach = class_mask(kOwnClasses, kOwnClasses + 1, kOwnClasses + 2),
        .own_classes = kGradientClasses,
        .applies = has_gradient},
};

}  // namespace

std::span<const Law> part_laws() { return kLaws; }

}  // namespace megabed

#pragma once

#include "policy/policy.h"
#include "policy/policy_parts.h"
#include "properties/choices.h"
#include "properties/law_case.h"
#include "sim/plugins/policy_source.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace megabed {

/// Whose law it is.
enum class LawScope : std::uint8_t { Policy, Part, Simulator, Backends };

/// What became of one case.
enum class CaseOutcome : std::uint8_t {
    Holds,
    Breaks,
    OutsideDomain,  ///< the law does not speak of this input
};

/// Outcome of one case, the classes of input it reached (bit i: class i), and why it breaks.
struct Judgement {
    CaseOutcome outcome = CaseOutcome::Holds;
    std::uint32_t classes = 0;
    std::string why{};
};

/// A class of inputs; a law that never met one of its classes says nothing.
struct LawClass {
    std::string_view name;
    bool of_answers = false;  ///< reached by what the policy answers, not by the input alone
};

/// Classes that every law about a policy counts; a law's own follow from `kOwnClasses` on.
enum CommonClass : std::uint32_t {
    kStandardParameters,
    kCustomParameters,
    kNoHysteresis,  ///< this and the next three: the parameters' hysteresis against the standard one
    kNarrowHysteresis,
    kStandardHysteresis,
    kWideHysteresis,
    kBlankStart,
    kCarriedState,
    kAnsweredEmpty,  ///< this and the next five in the order of DispatchTopology
    kAnsweredSparse,
    kAnsweredHybrid,
    kAnsweredDense,
    kAnsweredFused,
    kAnsweredMemory,
    kRefused,
    kOwnClasses,
};
inline constexpr std::uint32_t kClassesMax = 32;

/// Mask of some classes.
template <class... Classes>
[[nodiscard]] constexpr std::uint32_t class_mask(Classes... classes) {
    return ((1U << static_cast<std::uint32_t>(classes)) | ... | 0U);
}

/// What a law of policies must meet: parameters of every kind, and both kinds of start.
inline constexpr std::uint32_t kEveryStart =
    class_mask(kStandardParameters, kCustomParameters, kNoHysteresis, kNarrowHysteresis, kStandardHysteresis,
               kWideHysteresis, kBlankStart, kCarriedState);

/// The policy under examination: how it is made for given parameters, and its parts.
using Subject = PolicySource;

/// A sentence that holds for every input of its domain.
struct Law {
    std::string_view id;
    std::string_view sentence;
    LawScope scope = LawScope::Policy;
    /// Fills a case that the law speaks of, as far as can be known before asking the policy. Null: the law is
    /// checked elsewhere (simulator and backends).
    void (*draw)(Choices& choices, LawCase& input) = nullptr;
    /// Judges any case at all. Pure; `policy` was made for the case's parameters.
    Judgement (*check)(const Policy& policy, const PolicyParts& parts, const LawCase& input) = nullptr;
    /// Classes of interest. Without one that the input alone reaches, the law has not been tested; a kind of
    /// answer that the policy never gives is only mentioned.
    std::uint32_t must_reach = 0;
    std::uint32_t premise = 0;  ///< kinds of answers without which the law says nothing of the policy
    std::span<const LawClass> own_classes{};
    /// Whether the policy has the part the law speaks of; null: always.
    bool (*applies)(const PolicyParts& parts) = nullptr;
    /// How many times dearer a case is than a decision or two: that much fewer are drawn.
    unsigned cost = 1;
    /// Whether it also speaks of parameters that O6 refuses.
    bool any_parameters = false;
};

/// Judges one case: the law's own judgement, or OutsideDomain for parameters it does not speak of.
[[nodiscard]] Judgement judge(const Law& law, const Policy& policy, const PolicyParts& parts,
                              const LawCase& input);

/// Name of class `index` of a law.
[[nodiscard]] LawClass class_of(const Law& law, std::uint32_t index);

/// Law O6: w < sparse, sparse + w < dense - w, dense + w < 10000, w < T <= 10000 for a hysteresis of w,
/// multiplier and waves at least 1.
[[nodiscard]] bool accepted_by_o6(const LaunchPolicyParameters& parameters);

}  // namespace megabed

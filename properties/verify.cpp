#include "properties/verify.h"

#include "properties/case_minimiser.h"
#include "properties/laws.h"
#include "sim/engine/digest.h"

#include <fmt/format.h>
#include <algorithm>
#include <iterator>

namespace megabed {
namespace {

using Clock = std::chrono::steady_clock;

class LawVerifier {
public:
    LawVerifier(const Subject& subject, const Law& law, const VerifyOptions& options,
                std::optional<std::chrono::nanoseconds> budget)
        : subject_(subject), law_(law), options_(options), budget_(budget) {
        report_.law = &law;
    }

    LawReport run() {
        const auto start = Clock::now();
        decide();
        report_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        return std::move(report_);
    }

private:
    void decide() {
        if (law_.check == nullptr) {
            not_applicable(law_.scope == LawScope::Simulator
                               ? "a law of the simulator, checked by `megabed test`"
                               : "a law of the threads and cuda backends, which are not in this version");
            return;
        }
        if (law_.applies != nullptr && !law_.applies(subject_.parts)) {
            not_applicable("the policy has no such part");
            return;
        }
        if (pinned()) {
            return;
        }
        if (broken_by_a_regression()) {
            return;
        }
        search();
    }

    void not_applicable(std::string why) {
        report_.verdict = Verdict::NotApplicable;
        report_.note = std::move(why);
    }

    /// Judges the pinned inputs of this law; false if there are none.
    bool pinned() {
        for (const PinnedBreak& pin : options_.expectations.pinned) {
            if (pin.law != law_.id) {
                continue;
            }
            ++report_.cases;
            const Judgement judgement = judge_case(subject_, law_, pin.input);
            if (judgement.outcome != CaseOutcome::Breaks) {
                report_.verdict = Verdict::Unpinned;
                report_.note = fmt::format(
                    "expected to break: {}; it {}", pin.why,
                    judgement.outcome == CaseOutcome::Holds ? "holds there" : "does not speak of that input");
                report_.counterexample = counterexample_of(pin.input, pin.why);
                return true;
            }
            if (!report_.counterexample) {
                report_.verdict = Verdict::Pinned;
                report_.note = pin.why;
                report_.counterexample = counterexample_of(pin.input, judgement.why);
            }
        }
        return report_.cases > 0;
    }

    bool broken_by_a_regression() {
        for (const Counterexample& past : options_.regressions) {
            if (past.law != law_.id) {
                continue;
            }
            ++report_.cases;
            const Judgement judgement = judge_case(subject_, law_, past.input);
            if (judgement.outcome == CaseOutcome::Breaks) {
                report_.verdict = Verdict::Breaks;
                report_.note = "an input of the regression folder breaks it";
                report_.counterexample = shrink(past.input);
                return true;
            }
        }
        return false;
    }

    void search() {
        SearchOptions search;
        constexpr std::uint64_t kFewest = 500;  // of a dear law, or its rarest class might not be met
        search.cases = std::max(options_.cases / std::max(law_.cost, 1U), std::min(options_.cases, kFewest));
        search.seed = options_.seed;
        search.jobs = options_.jobs;
        search.budget = budget_;
        search.stop = options_.stop;
        const SearchResult result = search_law(subject_, law_, search);
        report_.cases += result.cases;
        for (std::uint32_t index = 0; index < kClassesMax; ++index) {
            if (result.reached[index] > 0) {
                report_.classes.emplace_back(class_of(law_, index).name, result.reached[index]);
            }
        }
        if (result.broken) {
            report_.verdict = Verdict::Breaks;
            report_.counterexample = shrink(*result.broken);
            return;
        }
        report_.verdict = Verdict::Holds;
        judge_coverage(result);
    }

    /// A class of inputs that was never met is a failure of the test. A kind of answer that the policy never
    /// gives is mentioned, and leaves the law without a subject if it is the law's premise.
    void judge_coverage(const SearchResult& result) {
        std::string inputs;
        std::string answers;
        bool premise_met = true;
        for (const std::uint32_t index : result.unreached(law_)) {
            const LawClass missing = class_of(law_, index);
            std::string& list = missing.of_answers ? answers : inputs;
            fmt::format_to(std::back_inserter(list), "{}{}", list.empty() ? "" : ", ", missing.name);
            premise_met = premise_met && (law_.premise >> index & 1U) == 0;
        }
        if (!inputs.empty()) {
            report_.verdict = Verdict::Breaks;
            report_.note = fmt::format("not tested: no case of {}; draw more cases", inputs);
        } else if (!answers.empty()) {
            report_.verdict = premise_met ? Verdict::Holds : Verdict::NotApplicable;
            report_.note = fmt::format("the policy never answered: {}", answers);
        }
    }

    Counterexample shrink(const LawCase& broken) {
        const auto breaks = [&](const LawCase& input) {
            return judge_case(subject_, law_, input).outcome == CaseOutcome::Breaks;
        };
        const MinimisedCase small = minimise(broken, breaks, {options_.shrink_budget});
        return counterexample_of(small.input, judge_case(subject_, law_, small.input).why);
    }

    Counterexample counterexample_of(const LawCase& input, std::string why) {
        return {subject_.name, std::string(law_.id), input, std::move(why), case_digest(subject_, law_, input)};
    }

    const Subject& subject_;
    const Law& law_;
    const VerifyOptions& options_;
    std::optional<std::chrono::nanoseconds> budget_;
    LawReport report_;
};

std::string xml_text(std::string_view text) {
    std::string escaped;
    for (const char symbol : text) {
        switch (symbol) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        case '"':
            escaped += "&quot;";
            break;
        case '\n':
            escaped += "&#10;";
            break;
        default:
            escaped += symbol >= ' ' ? symbol : '?';
        }
    }
    return escaped;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
    case Verdict::Holds:
        return "holds";
    case Verdict::Breaks:
        return "breaks";
    case Verdict::Pinned:
        return "pinned";
    case Verdict::Unpinned:
        return "unpinned";
    case Verdict::NotApplicable:
        break;
    }
    return "not-applicable";
}

bool VerifyReport::holds() const {
    return !interrupted && std::none_of(laws.begin(), laws.end(), [](const LawReport& report) {
        return report.verdict == Verdict::Breaks || report.verdict == Verdict::Unpinned;
    });
}

VerifyReport verify(const Subject& subject, const VerifyOptions& options,
                    const std::function<void(const LawReport&)>& on_law) {
    std::vector<const Law*> laws;
    for (const Law& law : known_laws()) {
        const bool wanted = options.laws.empty() ||
                            std::find(options.laws.begin(), options.laws.end(), law.id) != options.laws.end();
        if (wanted) {
            laws.push_back(&law);
        }
    }
    const auto start = Clock::now();
    VerifyReport report{subject.name, options.seed, {}, false};
    for (std::size_t at = 0; at < laws.size(); ++at) {
        std::optional<std::chrono::nanoseconds> budget;
        if (options.budget) {
            // What is left is shared among the laws that are left.
            const auto left = std::max(*options.budget - (Clock::now() - start), std::chrono::nanoseconds(1));
            budget = std::chrono::duration_cast<std::chrono::nanoseconds>(left) /
                     static_cast<std::int64_t>(laws.size() - at);
        }
        report.laws.push_back(LawVerifier(subject, *laws[at], options, budget).run());
        if (options.stop.stop_requested()) {
            report.interrupted = true;
            break;
        }
        if (on_law) {
            on_law(report.laws.back());
        }
    }
    return report;
}

std::string junit_xml(const VerifyReport& report, std::span<const JunitCase> more) {
    std::size_t failures = 0;
    std::size_t skipped = 0;
    double seconds = 0.0;
    std::string cases;
    for (const LawReport& law : report.laws) {
        seconds += law.seconds;
        fmt::format_to(std::back_inserter(cases),
                       "  <testcase classname=\"megabed.{}\" name=\"{}: {}\" time=\"{:.3f}\"",
                       xml_text(report.policy), law.law->id, xml_text(law.law->sentence), law.seconds);
        if (law.verdict == Verdict::NotApplicable) {
            ++skipped;
            fmt::format_to(std::back_inserter(cases), "><skipped message=\"{}\"/></testcase>\n",
                           xml_text(law.note));
        } else if (law.verdict == Verdict::Breaks || law.verdict == Verdict::Unpinned) {
            ++failures;
            const std::string why = law.counterexample ? law.counterexample->why : law.note;
            fmt::format_to(std::back_inserter(cases),
                           "><failure message=\"{}\" type=\"{}\">{}</failure></testcase>\n", xml_text(why),
                           to_string(law.verdict),
                           law.counterexample ? xml_text(counterexample_as_toml(*law.counterexample)) : "");
        } else {
            cases += "/>\n";
        }
    }
    for (const JunitCase& extra : more) {
        seconds += extra.seconds;
        failures += extra.failure.empty() ? 0 : 1;
        fmt::format_to(std::back_inserter(cases),
                       "  <testcase classname=\"megabed.{}\" name=\"{}\" time=\"{:.3f}\"",
                       xml_text(report.policy), xml_text(extra.name), extra.seconds);
        cases += extra.failure.empty()
                     ? "/>\n"
                     : fmt::format("><failure message=\"{}\"/></testcase>\n", xml_text(extra.failure));
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"megabed verify {}\" tests=\"{}\" "
        "failures=\"{}\" skipped=\"{}\" errors=\"0\" time=\"{:.3f}\">\n{}</testsuite>\n",
        xml_text(report.policy), report.laws.size() + more.size(), failures, skipped, seconds, cases);
}

}  // namespace megabed

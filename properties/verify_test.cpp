#include "properties/verify.h"

#include "policy/reference_policy.h"
#include "policy/registry.h"
#include "properties/case_minimiser.h"
#include "properties/laws.h"
#include "scenarios/request_toml.h"
#include "scenarios/scenario_loader.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>

namespace megabed {
namespace {

Subject subject_of(std::string_view policy) { return *find_policy_source(std::string(policy)); }

const LawReport& report_of(const VerifyReport& report, std::string_view law) {
    return *std::find_if(report.laws.begin(), report.laws.end(),
                         [&](const LawReport& candidate) { return candidate.law->id == law; });
}

TEST(Verify, The_reference_breaks_each_pinned_law_at_its_pinned_inputs_and_no_other) {
    VerifyOptions options;
    options.cases = 50'000;
    options.expectations = *load_expectations_of("reference");
    const VerifyReport report = verify(subject_of("reference"), options);
    for (const LawReport& law : report.laws) {
        EXPECT_NE(law.verdict, Verdict::Breaks) << law.law->id << ": " << law.note;
        EXPECT_NE(law.verdict, Verdict::Unpinned) << law.law->id << ": " << law.note;
    }
    EXPECT_TRUE(report.holds());
    for (const std::string_view held : {"S1", "S2", "O1", "O5a", "T1", "T2"}) {
        EXPECT_EQ(report_of(report, held).verdict, Verdict::Holds) << held;
    }
}

TEST(Verify, Every_law_that_is_pinned_is_found_broken_without_the_pins_and_shrinks_to_a_few_requests) {
    VerifyOptions options;
    options.cases = 100'000;
    const VerifyReport report = verify(subject_of("reference"), options);
    const Expectations shipped = *load_expectations_of("reference");
    for (const PinnedBreak& pin : shipped.pinned) {
        const LawReport& law = report_of(report, pin.law);
        EXPECT_EQ(law.verdict, Verdict::Breaks) << pin.law;
        ASSERT_TRUE(law.counterexample) << pin.law;
        EXPECT_LT(law.seconds, 5.0) << pin.law;
        const LawCase& input = law.counterexample->input;
        EXPECT_LE(input.prelude.size(), 1U) << pin.law;
        EXPECT_LE(input.steps.size(), pin.law == "S5" ? 9U : 3U) << pin.law;
    }
}

TEST(Verify, The_hardened_policy_obeys_every_law_with_every_class_reached) {
    VerifyOptions options;
    options.cases = 100'000;
    const VerifyReport report = verify(subject_of("hardened"), options);
    for (const LawReport& law : report.laws) {
        const bool about_a_policy = law.law->check != nullptr && law.law->id[0] != 'T';
        EXPECT_EQ(law.verdict, about_a_policy ? Verdict::Holds : Verdict::NotApplicable)
            << law.law->id << ": " << law.note;
        EXPECT_EQ(law.note.find("never answered"), std::string::npos) << law.law->id << ": " << law.note;
    }
}

TEST(Verify, The_result_depends_on_the_seed_and_not_on_the_threads) {
    const auto counterexample = [](std::uint64_t seed, unsigned jobs) {
        VerifyOptions options;
        options.laws = {"M2c", "S1", "O8"};
        options.cases = 20'000;
        options.seed = seed;
        options.jobs = jobs;
        const VerifyReport report = verify(subject_of("reference"), options);
        std::string text;
        for (const LawReport& law : report.laws) {
            text += std::to_string(law.cases) + " ";
            text += law.counterexample ? counterexample_as_toml(*law.counterexample) : "held\n";
            for (const auto& [name, cases] : law.classes) {
                text += name + " " + std::to_string(cases) + "\n";
            }
        }
        return text;
    };
    EXPECT_EQ(counterexample(7, 1), counterexample(7, 3));
    EXPECT_NE(counterexample(7, 1), counterexample(8, 1));
}

TEST(Verify, A_pin_that_no_longer_breaks_is_unpinned) {
    VerifyOptions options;
    options.laws = {"S3"};
    options.expectations = *load_expectations_of("reference");
    const VerifyReport report = verify(subject_of("hardened"), options);
    EXPECT_EQ(report.laws[0].verdict, Verdict::Unpinned);
    EXPECT_FALSE(report.holds());
    EXPECT_NE(report.laws[0].note.find("holds there"), std::string::npos) << report.laws[0].note;
}

TEST(Verify, A_regression_is_judged_before_anything_is_drawn) {
    const PinnedBreak pin = load_expectations_of("reference")->pinned.front();
    VerifyOptions options;
    options.laws = {pin.law};
    options.regressions = {{"reference", pin.law, pin.input, pin.why, 0}};
    const VerifyReport report = verify(subject_of("reference"), options);
    EXPECT_EQ(report.laws[0].verdict, Verdict::Breaks);
    EXPECT_EQ(report.laws[0].cases, 1U);
}

TEST(Verify, A_law_whose_classes_were_not_reached_has_not_been_tested) {
    VerifyOptions options;
    options.laws = {"S4"};
    options.cases = 1;
    const VerifyReport report = verify(subject_of("hardened"), options);
    EXPECT_EQ(report.laws[0].verdict, Verdict::Breaks);
    EXPECT_NE(report.laws[0].note.find("not tested"), std::string::npos) << report.laws[0].note;
    options.laws = {"M2c"};
    options.cases = 5000;
    const VerifyReport fixed = verify(subject_of("fixed:sparse"), options);
    EXPECT_EQ(fixed.laws[0].verdict, Verdict::NotApplicable);
    EXPECT_NE(fixed.laws[0].note.find("never answered: memory"), std::string::npos) << fixed.laws[0].note;
}

TEST(Verify, Junit_names_each_law_and_carries_the_counterexample) {
    VerifyOptions options;
    options.laws = {"S3", "S1", "D1"};
    options.cases = 5000;
    const std::string xml = junit_xml(verify(subject_of("reference"), options));
    EXPECT_NE(xml.find("tests=\"3\" failures=\"1\" skipped=\"1\""), std::string::npos) << xml;
    EXPECT_NE(xml.find("name=\"S3: hot opcodes"), std::string::npos) << xml;
    EXPECT_NE(xml.find("[[run]]"), std::string::npos) << xml;
    EXPECT_EQ(xml.find("law = \"S3\""), std::string::npos) << "quotes must be escaped";
}

TEST(CounterexampleFile, Comes_back_as_it_was_written_and_is_a_scenario) {
    const Expectations shipped = *load_expectations_of("reference");
    for (const PinnedBreak& pin : shipped.pinned) {
        const Law& law = *find_law(pin.law);
        const Subject subject = subject_of("reference");
        const Counterexample written{"reference", pin.law, pin.input, pin.why,
                                     case_digest(subject, law, pin.input)};
        const std::string text = counterexample_as_toml(written);
        const auto read = parse_counterexample(text, "file.toml");
        ASSERT_TRUE(read) << to_string(read.error()) << "\n" << text;
        EXPECT_EQ(read->law, pin.law);
        EXPECT_EQ(read->digest, written.digest);
        EXPECT_EQ(case_digest(subject, law, read->input), written.digest);
        EXPECT_EQ(read->input.parameters, pin.input.parameters);
        EXPECT_EQ(read->input.prelude, pin.input.prelude);
        EXPECT_EQ(read->input.steps, pin.input.steps);
        EXPECT_EQ(judge_case(subject, law, read->input).outcome, CaseOutcome::Breaks);
        if (!pin.input.steps.empty() && accepted_by_o6(pin.input.parameters)) {
            const auto scenario = parse_scenario(text, "file.toml");
            ASSERT_TRUE(scenario) << to_string(scenario.error()) << "\n" << text;
            const auto& requests = std::get<RequestsWorkload>(scenario->runs[0].workload).requests;
            EXPECT_EQ(requests.size(), pin.input.prelude.size() + pin.input.steps.size());
        }
    }
}

TEST(CounterexampleFile, Carries_the_hysteresis) {
    // A policy without memory breaks S1 inside a band of any width but 0; judged at another, it is another
    // case.
    const Subject subject = subject_of("stateless");
    const Law& law = *find_law("S1");
    LawCase input;
    input.parameters.hysteresis = BasisPoints(37);
    for (const std::uint16_t density : std::initializer_list<std::uint16_t>{537, 463, 537}) {
        LaunchRequest request = base_request();
        request.frontier_density = BasisPoints(density);
        input.steps.push_back(request);
    }
    ASSERT_EQ(judge_case(subject, law, input).outcome, CaseOutcome::Breaks);
    const std::string text =
        counterexample_as_toml({"stateless", "S1", input, "why", case_digest(subject, law, input)});
    EXPECT_NE(text.find("\nhysteresis_bps = 37\n"), std::string::npos) << text;
    const auto read = parse_counterexample(text, "file.toml");
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(read->input.parameters, input.parameters);
    EXPECT_EQ(judge_case(subject, law, read->input).outcome, CaseOutcome::Breaks);
    const auto scenario = parse_scenario(text, "file.toml");
    ASSERT_TRUE(scenario) << to_string(scenario.error());
    EXPECT_EQ(scenario->runs[0].parameters.hysteresis, BasisPoints(37));
    input.parameters.hysteresis = BasisPoints(36);
    EXPECT_EQ(judge_case(subject, law, input).outcome, CaseOutcome::OutsideDomain);
}

TEST(CounterexampleFile, What_is_wrong_is_named_with_its_line) {
    const std::string head = "format = 1\nsummary = 'x'\n";
    const std::string own = "[counterexample]\nlaw = 'S3'\nwhy = 'x'\ndigest = '00'\n";
    const std::string run = "[[run]]\nname = 'x'\n[run.requests]\n";
    const struct {
        std::string text;
        const char* message;
    } cases[] = {
        {head, "file.toml: counterexample: is missing"},
        {head + "[counterexample]\nlaw = 'S33'\nwhy = 'x'\ndigest = '00'\n",
         ":4: counterexample.law: 'S33' is no law"},
        {head + "[counterexample]\nlaw = 'D1'\nwhy = 'x'\ndigest = '00'\n", "'D1' is no law of a policy"},
        {head + "[counterexample]\nlaw = 'S3'\nwhy = 'x'\ndigest = 'xy'\n",
         ":6: counterexample.digest: is 'xy'"},
        {head + own + run + "quue_len = 3\nlist = [{}]\n",
         ":10: run.requests.quue_len: is no key here; did you mean queue_len?"},
        {head + own + run + "queue_len = -3\nlist = [{}]\n",
         ":10: run.requests.queue_len: is -3; allowed: 0 to 4294967295"},
        {head + own + run + "queue_len = 'absent'\nlist = [{}]\n", ":10: run.requests.queue_len: is 'absent'"},
        {head + own + run + "list = [{frontier_density_bps = 65536}]\n",
         ":10: run.requests.list.frontier_density_bps: is 65536"},
        {head + own + run + "list = 3\n",
         ":10: run.requests.list: is 3; allowed: an array of one or more tables"},
        {head + own + run, "run.requests.list: is missing"},
        {head + own + "[policy]\nname = 'reference'\nsaturated_wave = 3\n",
         ":9: policy.saturated_wave: is no key here; did you mean saturated_waves?"},
        {head + own + "[counterexample.part]\nvalues = [1.0, 'one']\n",
         ":8: counterexample.part.values: is 'one'"},
    };
    for (const auto& bad : cases) {
        const auto read = parse_counterexample(bad.text, "file.toml");
        ASSERT_FALSE(read) << bad.text;
        EXPECT_NE(to_string(read.error()).find(bad.message), std::string::npos) << to_string(read.error());
    }
}

TEST(ExpectationFile, Comes_back_as_it_was_written) {
    const auto shipped = load_expectations_of("reference");
    ASSERT_TRUE(shipped) << to_string(shipped.error());
    std::vector<Counterexample> breaks;
    for (const PinnedBreak& pin : shipped->pinned) {
        breaks.push_back({"reference", pin.law, pin.input, pin.why, 0});
    }
    const auto again = parse_expectations(expectations_as_toml("reference", breaks), "again.toml");
    ASSERT_TRUE(again) << to_string(again.error());
    ASSERT_EQ(again->pinned.size(), shipped->pinned.size());
    for (std::size_t at = 0; at < breaks.size(); ++at) {
        EXPECT_EQ(again->pinned[at].law, shipped->pinned[at].law);
        EXPECT_EQ(again->pinned[at].input.steps, shipped->pinned[at].input.steps) << at;
        EXPECT_EQ(again->pinned[at].input.prelude, shipped->pinned[at].input.prelude) << at;
        EXPECT_EQ(again->pinned[at].input.part.weights, shipped->pinned[at].input.part.weights) << at;
    }
}

TEST(ExpectationFile, What_is_wrong_is_named_with_its_line) {
    const std::string head = "format = 1\npolicy = 'x'\n";
    const struct {
        std::string text;
        const char* message;
    } cases[] = {
        {"policy = 'x'\n", "format: is missing; allowed: 1"},
        {"format = 2\npolicy = 'x'\n", ":1: format: is 2; allowed: 1"},
        {"format = 1\n", "policy: is missing"},
        {head + "pined = 3\n", ":3: pined: is no key here; did you mean pinned?"},
        {head + "[[pinned]]\nlaw = 'Q1'\nwhy = 'x'\n[pinned.requests]\nlist = [{}]\n", ":4: law: is 'Q1'"},
        {head + "[[pinned]]\nlaw = 'S1'\nwhy = 'x'\n", "requests: is missing; allowed: [pinned.requests]"},
        {head + "[[pinned]]\nlaw = 'S1'\nwhy = 'x'\nprelude = 1\n[pinned.requests]\nlist = [{}]\n",
         ":6: prelude: is 1; allowed: a number below"},
        {head + "[[pinned]]\nlaw = 'S1'\n[pinned.requests]\nlist = [{}]\n", "why: is missing"},
        {head + "[pinned]\nlaw = 'S1'\n", "pinned: is a table; allowed: [[pinned]] tables"},
    };
    for (const auto& bad : cases) {
        const auto read = parse_expectations(bad.text, "pins.toml");
        ASSERT_FALSE(read) << bad.text;
        EXPECT_NE(to_string(read.error()).find(bad.message), std::string::npos) << to_string(read.error());
    }
}

TEST(CaseMinimiser, Finds_the_shortest_case_and_round_numbers) {
    // A case breaks if two densities of one case differ by at least 1234 and a counter is above 77.
    const auto breaks = [](const LawCase& input) {
        bool apart = false;
        for (const LaunchRequest& left : input.steps) {
            for (const LaunchRequest& right : input.steps) {
                apart |= left.frontier_density && right.frontier_density && left.hot_opcode_count > 77 &&
                         left.frontier_density->value() >= right.frontier_density->value() + 1234;
            }
        }
        return apart;
    };
    LawCase input;
    for (std::uint16_t step = 0; step < 40; ++step) {
        LaunchRequest request = base_request();
        request.frontier_density = BasisPoints(static_cast<std::uint16_t>(1000 + 97 * step));
        request.hot_opcode_count = 500U + step;
        request.requeue_count = 12'345;
        input.steps.push_back(request);
        input.prelude.push_back(request);
    }
    input.parameters.saturated_waves = 9;
    ASSERT_TRUE(breaks(input));
    const MinimisedCase small = minimise(input, breaks);
    EXPECT_TRUE(small.finished);
    EXPECT_TRUE(small.input.prelude.empty());
    ASSERT_EQ(small.input.steps.size(), 2U);
    EXPECT_EQ(small.input.parameters, LaunchPolicyParameters{});
    EXPECT_EQ(small.input.steps[0].requeue_count, 0U);
    EXPECT_TRUE(breaks(small.input));
    const auto standard = std::count_if(
        small.input.steps.begin(), small.input.steps.end(),
        [](const auto& step) { return step.frontier_density == base_request().frontier_density; });
    EXPECT_EQ(standard, 1) << requests_as_toml(small.input.steps);
}

TEST(CaseMinimiser, A_hysteresis_goes_home_with_the_readings_at_the_ends_of_its_bands) {
    // A case breaks at the upper end of the sparse band, one below the dense band and at the lower end of the
    // pressure band, in that order.
    const auto breaks = [](const LawCase& input) {
        const LaunchPolicyParameters& parameters = input.parameters;
        const int width = parameters.hysteresis.value();
        const auto density = [&](std::size_t step) { return input.steps[step].frontier_density->value(); };
        return accepted_by_o6(parameters) && input.steps.size() == 3 && input.steps[0].frontier_density &&
               input.steps[1].frontier_density && input.steps[2].memory_pressure &&
               density(0) == parameters.sparse_frontier_threshold.value() + width &&
               density(1) == parameters.dense_frontier_threshold.value() - width - 1 &&
               input.steps[2].memory_pressure->value() == parameters.memory_pressure_threshold.value() - width;
    };
    for (const std::uint16_t width : std::initializer_list<std::uint16_t>{3, 249, 1000}) {
        LawCase input;
        input.parameters.hysteresis = BasisPoints(width);
        input.parameters.sparse_frontier_threshold = BasisPoints(1500);
        input.parameters.dense_frontier_threshold = BasisPoints(6000);
        input.parameters.memory_pressure_threshold = BasisPoints(9000);
        input.steps.assign(3, base_request());
        input.steps[0].frontier_density = BasisPoints(static_cast<std::uint16_t>(1500 + width));
        input.steps[1].frontier_density = BasisPoints(static_cast<std::uint16_t>(6000 - width - 1));
        input.steps[2].memory_pressure = BasisPoints(static_cast<std::uint16_t>(9000 - width));
        ASSERT_TRUE(breaks(input));
        const MinimisedCase small = minimise(input, breaks);
        EXPECT_EQ(small.input.parameters, LaunchPolicyParameters{}) << width;
        EXPECT_EQ(small.input.steps[0].frontier_density, BasisPoints(750)) << width;
        EXPECT_EQ(small.input.steps[1].frontier_density, BasisPoints(3749)) << width;
        EXPECT_EQ(small.input.steps[2].memory_pressure, BasisPoints(8250)) << width;
    }
}

}  // namespace
}  // namespace megabed

#include "properties/proof/model/ledger.h"

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <set>

namespace megabed::proof {
namespace {

/// Solver steps after which a statement stays unproved. Not a timeout: that would start a thread, and a verdict
/// would depend on the machine.
constexpr unsigned kStepsMax = 2'000'000;

z3::expr conjunction(z3::context& context, const std::vector<z3::expr>& parts) {
    z3::expr all = context.bool_val(true);
    for (const z3::expr& part : parts) {
        all = all && part;
    }
    return all;
}

/// 2^bits - 1, in decimal because Z3 takes no wider machine integers.
z3::expr largest(z3::context& context, unsigned bits) {
    z3::expr value = context.int_val(1);
    for (unsigned bit = 0; bit < bits; ++bit) {
        value = (value * 2).simplify();
    }
    return (value - 1).simplify();
}

}  // namespace

z3::expr Ledger::number(std::uint64_t value) { return context_.int_val(value); }

z3::expr Ledger::symbol(const std::string& name, unsigned bits) {
    z3::expr symbol = context_.int_const(name.c_str());
    symbols_.push_back(symbol);
    assume(symbol >= 0 && symbol <= largest(context_, bits));
    return symbol;
}

void Ledger::assume(const z3::expr& fact) { facts_.push_back(fact); }

void Ledger::fits(const std::string& what, const z3::expr& value, unsigned bits) {
    if (use_ != Use::Evaluate) {
        holds(fmt::format("{} fits u{}", what, bits), value >= 0 && value <= largest(context_, bits));
    }
}

void Ledger::holds(const std::string& what, const z3::expr& claim) {
    if (use_ != Use::Evaluate) {
        claims_.push_back({what, conjunction(context_, conditions_), claim});
    }
}

z3::expr Ledger::fresh(const char* prefix) {
    return z3::expr(context_, Z3_mk_fresh_const(context_, prefix, context_.int_sort()));
}

z3::expr Ledger::quotient(const z3::expr& count, const z3::expr& width) {
    if (use_ != Use::ProveLinear || width.is_numeral()) {
        return count / width;
    }
    z3::expr factor = fresh("quotient");
    const z3::expr product = fresh("multiple");
    assume(z3::implies(width >= 1 && count >= 0, factor >= 0 && product <= count && count < product + width));
    learn_multiple(width, factor, product);
    return factor;
}

z3::expr Ledger::product(const z3::expr& factor, const z3::expr& width) {
    if (use_ != Use::ProveLinear || width.is_numeral()) {
        return factor * width;
    }
    z3::expr product = fresh("product");
    learn_multiple(width, factor, product);
    return product;
}

void Ledger::learn_multiple(const z3::expr& width, const z3::expr& factor, const z3::expr& product) {
    const Multiple learned{width, factor, product};
    assume(z3::implies(width >= 1 && factor >= 0, product >= factor));
    order({width, context_.int_val(0), context_.int_val(0)}, learned);
    order({width, context_.int_val(1), width}, learned);
    for (const Multiple& known : multiples_) {
        if (z3::eq(known.width, width)) {
            order(known, learned);
        }
    }
    multiples_.push_back(learned);
}

void Ledger::order(const Multiple& left, const Multiple& right) {
    const auto larger_by_a_width = [](const Multiple& more, const Multiple& less) {
        return z3::implies(more.width >= 0 && more.factor >= less.factor + 1,
                           more.product >= less.product + more.width);
    };
    assume(larger_by_a_width(left, right));
    assume(larger_by_a_width(right, left));
    assume(z3::implies(left.factor == right.factor, left.product == right.product));
    assume(z3::implies(left.factor == right.factor + 1, left.product == right.product + left.width));
    assume(z3::implies(right.factor == left.factor + 1, right.product == left.product + left.width));
}

namespace {

/// Whether `symbol` occurs in a formula.
class Occurrences {
public:
    explicit Occurrences(const z3::expr& formula) { visit(formula); }
    [[nodiscard]] bool contains(const z3::expr& symbol) const { return seen_.contains(symbol.id()); }

private:
    void visit(const z3::expr& formula) {
        if (formula.is_app() && seen_.insert(formula.id()).second) {
            for (unsigned index = 0; index < formula.num_args(); ++index) {
                visit(formula.arg(index));
            }
        }
    }

    std::set<unsigned> seen_{};
};

}  // namespace

std::string Ledger::values_of(const z3::model& model, const z3::expr& claim) const {
    const Occurrences occurrences(claim);
    std::string text;
    for (const z3::expr& symbol : symbols_) {
        if (occurrences.contains(symbol)) {
            text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", symbol.decl().name().str(),
                                model.eval(symbol, true).to_string());
        }
    }
    return text;
}

void Ledger::try_claim(const Claim& claim, ProofResult& result) {
    z3::solver solver(context_);
    solver.set("rlimit", kStepsMax);
    solver.add(conjunction(context_, facts_));
    solver.add(claim.path);
    solver.push();
    solver.add(!claim.claim);
    switch (solver.check()) {
    case z3::unsat:
        result.verdict = ProofResult::Verdict::Proved;
        solver.pop();
        if (solver.check() == z3::unsat) {
            result.statement += " (and no input comes here)";
        }
        return;
    case z3::sat:
        result.verdict = ProofResult::Verdict::Refuted;
        result.counterexample = values_of(solver.get_model(), claim.path && claim.claim);
        return;
    case z3::unknown:
        result.counterexample = "Z3 gave up: " + solver.reason_unknown();
        return;
    }
}

void Ledger::prove(const std::string& prefix, std::vector<ProofResult>& results) {
    const auto same_prefix = [&](const ProofResult& result) { return result.id.rfind(prefix, 0) == 0; };
    auto number = std::count_if(results.begin(), results.end(), same_prefix);
    for (const Claim& claim : claims_) {
        const auto start = std::chrono::steady_clock::now();
        ProofResult result;
        result.id = fmt::format("{}{}", prefix, ++number);
        result.statement = claim.statement;
        try_claim(claim, result);
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        results.push_back(std::move(result));
    }
}

void state_that_multiples_are_ordered(Ledger& ledger) {
    z3::context& context = ledger.context();
    const z3::expr more = context.int_const("more");
    const z3::expr less = context.int_const("less");
    const z3::expr width = context.int_const("width");
    const z3::expr count = context.int_const("count");
    ledger.holds("the product with a factor larger by one or more is larger by a width or more",
                 z3::implies(width >= 0 && more >= less + 1, more * width >= less * width + width));
    ledger.holds("the product with a factor larger by one is larger by a width",
                 z3::implies(more == less + 1, more * width == less * width + width));
    ledger.holds("the product with a width of 1 or more is at least the factor",
                 z3::implies(width >= 1 && more >= 0, more * width >= more));
    const z3::expr quotient = count / width;
    ledger.holds("a quotient is the number of whole widths",
                 z3::implies(width >= 1 && count >= 0,
                             quotient >= 0 && quotient * width <= count && count < quotient * width + width));
}

}  // namespace megabed::proof

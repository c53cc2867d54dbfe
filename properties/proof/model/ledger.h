#pragma once

#include "properties/proof/policy_proof.h"

#include <z3++.h>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace megabed::proof {

/// Collects what is to be shown while a model is written down: each arithmetic step of the model says which
/// type its exact result must fit, and the ledger keeps that under the conditions that lead there. A model
/// reads and writes unbounded integers, so the same function serves symbols (a proof) and numerals (a tie).
class Ledger {
public:
    enum class Use : std::uint8_t {
        Evaluate,  ///< record nothing; products and quotients fold
        Prove,     ///< record; products and quotients are Z3's own
        /// Record; a product or a quotient by a symbol is a number of its own, known only by how multiples of
        /// one width are ordered (`multiples_are_ordered` proves that). Z3 finds no proof otherwise.
        ProveLinear,
    };

    Ledger(z3::context& context, Use use) : context_(context), use_(use) {}

    [[nodiscard]] z3::context& context() { return context_; }
    [[nodiscard]] z3::expr number(std::uint64_t value);
    /// Any value of an unsigned type.
    [[nodiscard]] z3::expr symbol(const std::string& name, unsigned bits);

    void assume(const z3::expr& fact);
    /// `value` is neither negative nor above the largest number of `bits` bits.
    void fits(const std::string& what, const z3::expr& value, unsigned bits);
    void holds(const std::string& what, const z3::expr& claim);

    /// count / width, rounded down. Requires: count >= 0 and, where it matters, width >= 1.
    [[nodiscard]] z3::expr quotient(const z3::expr& count, const z3::expr& width);
    /// factor x width. Requires: both are at least 0.
    [[nodiscard]] z3::expr product(const z3::expr& factor, const z3::expr& width);

    /// What is recorded while a Path lives is under its condition as well.
    class Path {
    public:
        Path(Ledger& ledger, const z3::expr& condition) : ledger_(ledger) {
            ledger_.conditions_.push_back(condition);
        }
        Path(const Path&) = delete;
        Path& operator=(const Path&) = delete;
        ~Path() { ledger_.conditions_.pop_back(); }

    private:
        Ledger& ledger_;
    };

    /// Drops what was recorded, where another proof has it; facts stay.
    void forget_statements() { claims_.clear(); }

    /// Tries each statement. One whose path no input takes is proved as such and says so. Ids are `prefix` and
    /// a running number that goes on over the calls with one `results`.
    void prove(const std::string& prefix, std::vector<ProofResult>& results);

private:
    struct Claim {
        std::string statement;
        z3::expr path;
        z3::expr claim;
    };
    /// A factor and its product with a width.
    struct Multiple {
        z3::expr width;
        z3::expr factor;
        z3::expr product;
    };

    [[nodiscard]] z3::expr fresh(const char* prefix);
    void learn_multiple(const z3::expr& width, const z3::expr& factor, const z3::expr& product);
    void order(const Multiple& left, const Multiple& right);
    [[nodiscard]] std::string values_of(const z3::model& model, const z3::expr& claim) const;
    void try_claim(const Claim& claim, ProofResult& result);

    z3::context& context_;
    Use use_;
    std::vector<z3::expr> facts_{};
    std::vector<z3::expr> conditions_{};
    std::vector<z3::expr> symbols_{};
    std::vector<Claim> claims_{};
    std::vector<Multiple> multiples_{};
};

/// The facts that `ProveLinear` relies on, as statements for Z3's own product and quotient.
void state_that_multiples_are_ordered(Ledger& ledger);

[[nodiscard]] inline z3::expr least(const z3::expr& left, const z3::expr& right) {
    return z3::ite(right < left, right, left);
}
[[nodiscard]] inline z3::expr most(const z3::expr& left, const z3::expr& right) {
    return z3::ite(left < right, right, left);
}

}  // namespace megabed::proof

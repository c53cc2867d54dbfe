#pragma once

#include "properties/proof/model/ledger.h"
#include "properties/proof/model/signals.h"

#include <z3++.h>

namespace megabed::proof {

/// One stage of the policy over symbols: it may assume what earlier stages state, and nothing else.
class Stage {
public:
    explicit Stage(Ledger::Use use = Ledger::Use::Prove)
        : ledger(context, use),
          parameters(parameters_from(symbols_in(ledger))),
          request(request_from(symbols_in(ledger))) {
        ledger.assume(valid(parameters));
    }

    z3::context context{};
    Ledger ledger;
    Parameters parameters;
    Request request;
};

}  // namespace megabed::proof

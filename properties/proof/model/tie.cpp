#include "properties/proof/model/tie.h"

#include <fmt/format.h>

namespace megabed::proof {

z3::expr zero_or_one(const z3::expr& truth) {
    return z3::ite(truth, truth.ctx().int_val(1), truth.ctx().int_val(0));
}

void tie_case(TieResult& result, const std::vector<TiedField>& fields) {
    ++result.cases;
    for (const TiedField& field : fields) {
        const z3::expr value = field.model.simplify();
        std::uint64_t number = 0;
        if (value.is_numeral_u64(number) && number == field.code) {
            continue;
        }
        ++result.differences;
        if (result.first_difference.empty()) {
            result.first_difference = fmt::format("case {}, {}: model {}, code {}", result.cases, field.name,
                                                  value.to_string(), field.code);
        }
        return;
    }
}

std::vector<TiedField> tie_failure(const Failing& model, const Error* code) {
    std::vector<TiedField> fields{{"failed", zero_or_one(model.failed), code != nullptr ? 1U : 0U}};
    if (code != nullptr) {
        fields.push_back({"error code", model.code, static_cast<std::uint64_t>(code->code)});
        fields.push_back({"error field", model.field, static_cast<std::uint64_t>(code->field)});
        fields.push_back({"error actual", model.actual, code->actual});
        fields.push_back({"error limit", model.limit, code->limit});
    }
    return fields;
}

}  // namespace megabed::proof

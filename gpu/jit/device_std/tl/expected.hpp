#pragma once

#include <type_traits>
#include <utility>

namespace tl {

struct in_place_t {
    explicit in_place_t() = default;
};
inline constexpr in_place_t in_place{};

template <class Error>
class unexpected {
public:
    constexpr explicit unexpected(const Error& error) : error_(error) {}
    [[nodiscard]] constexpr const Error& value() const { return error_; }

private:
    Error error_;
};
template <class Error>
unexpected(Error) -> unexpected<Error>;

/// Of small values. Value and error lie beside each other, not in one place as on the host: a kernel's compiler
/// keeps such members in registers, and a union of them in memory. No such object crosses to the host.
template <class Value, class Error>
class expected {
    static_assert(std::is_trivially_copyable_v<Value> && std::is_trivially_copyable_v<Error>);

public:
    using value_type = Value;
    using error_type = Error;

    constexpr expected() = default;
    constexpr explicit expected(in_place_t /*value*/) {}
    constexpr expected(const Value& value) : value_(value) {}
    constexpr expected(const unexpected<Error>& failure) : error_(failure.value()), has_value_(false) {}

    [[nodiscard]] constexpr bool has_value() const { return has_value_; }
    constexpr explicit operator bool() const { return has_value_; }
    [[nodiscard]] constexpr const Value& operator*() const { return value_; }
    [[nodiscard]] constexpr Value& operator*() { return value_; }
    [[nodiscard]] constexpr const Value* operator->() const { return &value_; }
    [[nodiscard]] constexpr Value* operator->() { return &value_; }
    [[nodiscard]] constexpr const Error& error() const { return error_; }
    [[nodiscard]] constexpr Value value_or(const Value& other) const { return has_value_ ? value_ : other; }

private:
    Value value_{};
    Error error_{};
    bool has_value_ = true;
};

}  // namespace tl

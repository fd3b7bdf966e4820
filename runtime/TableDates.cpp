// Reads dates, and takes parts of them.
#include "runtime/TableSteps.h"

#include <charconv>

namespace nnc::runtime {

namespace {
/// A time of the Gregorian calendar.
struct Moment {
  int64_t year = 1970, month = 1, day = 1, hour = 0, minute = 0;
  double second = 0;
  /// Of the zone, to the east.
  int64_t offsetMinutes = 0;
};
} // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms":
// days_from_civil.
int64_t daysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t yearOfEra = year - era * 400;
  const int64_t dayOfYear =
      (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t dayOfEra =
      yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/// Reads up to `most` digits, at least one.
static bool takeNumber(std::string_view &text, size_t most, int64_t &number) {
  const std::string_view digits = text.substr(0, most);
  auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || digits[0] == '-')
    return false;
  text.remove_prefix(size_t(stop - digits.data()));
  return true;
}

/// Of four digits: 24 is no year of these centuries.
static bool takeYear(std::string_view &text, int64_t &year) {
  const size_t before = text.size();
  return takeNumber(text, 4, year) && before - text.size() == 4;
}

static bool take(std::string_view &text, char c) {
  if (text.empty() || text[0] != c)
    return false;
  text.remove_prefix(1);
  return true;
}

/// Whole seconds, and perhaps a fraction.
static bool takeSeconds(std::string_view &text, double &second) {
  int64_t whole = 0;
  if (!takeNumber(text, 2, whole))
    return false;
  second = double(whole);
  if (!take(text, '.'))
    return true;
  double place = 0.1;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; place /= 10) {
    second += place * (text[0] - '0');
    text.remove_prefix(1);
  }
  return true;
}

/// "Z", "+02:00", "-0530" or nothing.
static bool takeZone(std::string_view &text, int64_t &offsetMinutes) {
  if (take(text, 'Z') || text.empty())
    return true;
  const bool isEast = take(text, '+');
  if (!isEast && !take(text, '-'))
    return false;
  int64_t hours = 0, minutes = 0;
  if (!takeNumber(text, 2, hours))
    return false;
  const bool hasColon = take(text, ':');
  if ((hasColon || !text.empty()) && !takeNumber(text, 2, minutes))
    return false;
  if (hours > 23 || minutes > 59)
    return false;
  offsetMinutes = (isEast ? 1 : -1) * (hours * 60 + minutes);
  return true;
}

/// ISO 8601: a date, and perhaps a time and its zone.
static bool readIso(std::string_view text, Moment &moment) {
  if (!takeYear(text, moment.year) || !take(text, '-') ||
      !takeNumber(text, 2, moment.month) || !take(text, '-') ||
      !takeNumber(text, 2, moment.day))
    return false;
  if (text.empty())
    return true;
  if (!take(text, 'T') && !take(text, ' '))
    return false;
  if (!takeNumber(text, 2, moment.hour) || !take(text, ':') ||
      !takeNumber(text, 2, moment.minute))
    return false;
  if (take(text, ':') && !takeSeconds(text, moment.second))
    return false;
  return takeZone(text, moment.offsetMinutes) && text.empty();
}

static bool takePart(std::string_view &text, char part, Moment &moment) {
  switch (part) {
  case 'Y':
    return takeYear(text, moment.year);
  case 'm':
    return takeNumber(text, 2, moment.month);
  case 'd':
    return takeNumber(text, 2, moment.day);
  case 'H':
    return takeNumber(text, 2, moment.hour);
  case 'M':
    return takeNumber(text, 2, moment.minute);
  case 'S':
    return takeSeconds(text, moment.second);
  default:
    return part == '%' && take(text, '%');
  }
}

static bool readFormatted(std::string_view text, std::string_view format,
                          Moment &moment) {
  for (size_t i = 0; i < format.size(); ++i) {
    const bool isPart = format[i] == '%' && i + 1 < format.size();
    if (isPart ? !takePart(text, format[++i], moment) : !take(text, format[i]))
      return false;
  }
  return text.empty();
}

static bool isOfCalendar(const Moment &moment) {
  static constexpr int lengths[] = {31, 28, 31, 30, 31, 30,
                                    31, 31, 30, 31, 30, 31};
  if (moment.month < 1 || moment.month > 12)
    return false;
  const bool isLeap = moment.year % 4 == 0 &&
                      (moment.year % 100 != 0 || moment.year % 400 == 0);
  const int length =
      lengths[moment.month - 1] + (moment.month == 2 && isLeap ? 1 : 0);
  return moment.day >= 1 && moment.day <= length && moment.hour < 24 &&
         moment.minute < 60 && moment.second < 61;
}

static double partOf(const Moment &moment, const std::string &part) {
  const int64_t days =
      daysFromCivil(moment.year, int(moment.month), int(moment.day));
  if (part == "days")
    return double(days);
  if (part == "seconds")
    return double(days * 86400 +
                  (moment.hour * 60 + moment.minute - moment.offsetMinutes) *
                      60) +
           moment.second;
  // 1970-01-01 was a Thursday; Monday is 0.
  if (part == "weekday")
    return double(((days + 3) % 7 + 7) % 7);
  return double(part == "year"    ? moment.year
                : part == "month" ? moment.month
                : part == "day"   ? moment.day
                : part == "hour"  ? moment.hour
                                  : moment.minute);
}

Status parseDate(std::string_view text, const std::string &format,
                 const std::string &part, double &number) {
  Moment moment;
  const bool isRead = format.empty() ? readIso(text, moment)
                                     : readFormatted(text, format, moment);
  if (!isRead || !isOfCalendar(moment))
    return {Code::InvalidFile,
            concat("expected a date such as ",
                   format.empty() ? std::string("2024-12-31 or "
                                                "2024-12-31T23:59:59")
                                  : quote(format),
                   ", found ", quote(text))};
  number = partOf(moment, part);
  return {};
}

} // namespace nnc::runtime

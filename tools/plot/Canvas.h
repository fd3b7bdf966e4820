// A canvas for PNG files, and the colours of everything that is drawn.
#ifndef NNC_TOOLS_PLOT_CANVAS_H
#define NNC_TOOLS_PLOT_CANVAS_H

#include <cairo.h>

#include <string>
#include <vector>

namespace nnc::tools {

struct Colour {
  double red, green, blue;
};

// Okabe and Ito's palette: told apart by colour-blind readers too.
inline constexpr Colour kBlue{0.0, 0.45, 0.70};
inline constexpr Colour kVermilion{0.84, 0.37, 0.0};
inline constexpr Colour kGreen{0.0, 0.62, 0.45};
inline constexpr Colour kInk{0.15, 0.15, 0.15};
inline constexpr Colour kGrid{0.88, 0.88, 0.88};

/// The colour a `share` of the way from `from` to `to`.
Colour mix(Colour from, Colour to, double share);

/// A white PNG canvas; sizes in pixels.
class Canvas {
public:
  Canvas(int width, int height);
  ~Canvas();
  Canvas(const Canvas &) = delete;
  Canvas &operator=(const Canvas &) = delete;

  void colour(Colour c);
  void line(double x0, double y0, double x1, double y1, double width);
  void rectangle(double x, double y, double width, double height);
  void disc(double x, double y, double radius);
  /// `align`: 0 starts at x, 0.5 is centred on it, 1 ends at it.
  void text(double x, double y, double size, double align,
            const std::string &words);
  /// Pixels row by row, `columns` a row, as squares of `scale` pixels.
  void picture(int x, int y, const std::vector<Colour> &pixels, int columns,
               int scale);
  /// Writes the file and prints its name, or an error.
  bool save(const std::string &path);

private:
  cairo_surface_t *surface;
  cairo_t *context;
};

/// A number with four digits, for axes and labels.
std::string shortNumber(double value);

} // namespace nnc::tools

#endif // NNC_TOOLS_PLOT_CANVAS_H

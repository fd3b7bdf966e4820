// Cairo behind a few words.
#include "tools/plot/Canvas.h"

#include <cmath>
#include <cstdio>
#include <iostream>

namespace nnc::tools {

Colour mix(Colour from, Colour to, double share) {
  return {from.red + share * (to.red - from.red),
          from.green + share * (to.green - from.green),
          from.blue + share * (to.blue - from.blue)};
}

Canvas::Canvas(int width, int height)
    : surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)),
      context(cairo_create(surface)) {
  cairo_set_source_rgb(context, 1, 1, 1);
  cairo_paint(context);
  cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
}

Canvas::~Canvas() {
  cairo_destroy(context);
  cairo_surface_destroy(surface);
}

void Canvas::colour(Colour c) {
  cairo_set_source_rgb(context, c.red, c.green, c.blue);
}

void Canvas::line(double x0, double y0, double x1, double y1, double width) {
  cairo_set_line_width(context, width);
  cairo_move_to(context, x0, y0);
  cairo_line_to(context, x1, y1);
  cairo_stroke(context);
}

void Canvas::rectangle(double x, double y, double width, double height) {
  cairo_rectangle(context, x, y, width, height);
  cairo_fill(context);
}

void Canvas::disc(double x, double y, double radius) {
  cairo_arc(context, x, y, radius, 0, 2 * M_PI);
  cairo_fill(context);
}

void Canvas::text(double x, double y, double size, double align,
                  const std::string &words) {
  cairo_set_font_size(context, size);
  cairo_text_extents_t extents;
  cairo_text_extents(context, words.c_str(), &extents);
  cairo_move_to(context, x - align * extents.x_advance, y);
  cairo_show_text(context, words.c_str());
}

void Canvas::picture(int x, int y, const std::vector<Colour> &pixels,
                     int columns, int scale) {
  // Edges between squares would else be blended with what is below.
  cairo_set_antialias(context, CAIRO_ANTIALIAS_NONE);
  for (size_t i = 0; i < pixels.size(); ++i) {
    colour(pixels[i]);
    rectangle(x + int(i % columns) * scale, y + int(i / columns) * scale, scale,
              scale);
  }
  cairo_set_antialias(context, CAIRO_ANTIALIAS_DEFAULT);
}

bool Canvas::save(const std::string &path) {
  cairo_status_t status = cairo_surface_write_to_png(surface, path.c_str());
  if (status == CAIRO_STATUS_SUCCESS) {
    std::cout << path << '\n';
    return true;
  }
  std::cerr << path << ": error: " << cairo_status_to_string(status) << '\n';
  return false;
}

std::string shortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

} // namespace nnc::tools

// Where things stand on the picture: wide, for screens that are, and tall, for those of handsets. Units of the viewBox.

/** Pickets from the far end to the near one. `gate` says which of them make way. */
function slanted(count, [x0, y0], [x1, y1], gate) {
  return Array.from({ length: count }, (_, place) => {
    const share = place / (count - 1);
    return {
      x: x0 + (x1 - x0) * share, y: y0 + (y1 - y0) * share, width: 15 + 5 * share, height: 66 + 26 * share,
      gate: gate.includes(place),
    };
  });
}

function frontal(count, x0, x1, y, gate) {
  const step = (x1 - x0) / (count - 1);
  return Array.from({ length: count }, (_, place) => ({
    x: x0 + step * place, y, width: step * 0.68, height: 58, gate: gate.includes(place),
  }));
}

export const WIDE = {
  name: "wide",
  viewBox: [0, 0, 1280, 520],
  globe: { x: 92, y: 84, r: 200 },
  border: "M330 0C336 166 236 284 0 298",
  inner: "M566 276L796 276L1006 276",
  abroad: { x: 150, y: 128, caption: [150, 206] },
  home: { x: 150, y: 384, caption: [150, 462] },
  routes: {
    abroad: ["M206 128C400 128 392 276 566 276", "L796 276", "L984 276"],
    home: ["M206 384C392 384 400 276 566 276", "L796 276", "L984 276"],
  },
  trunk: { abroad: [232, 104], home: [232, 424] },
  fence: slanted(15, [742, 232], [512, 440], [6, 7, 8]),
  opens: [76, -69], // the way that the gate slides
  sign: { x: 560, y: 70, size: 88, text: [618, 82] },
  proxy: [556, 476],
  softswitch: { x: 796, y: 222, width: 116, height: 108, caption: [854, 374] },
  service: { x: 854, y: 442 },
  size: 1,
};

export const TALL = {
  name: "tall",
  viewBox: [0, 0, 400, 700],
  globe: { x: 56, y: 44, r: 132 },
  inner: "M200 262L200 366L200 468",
  border: "M206 0C214 110 150 196 0 204",
  abroad: { x: 84, y: 76, caption: [84, 140] },
  home: { x: 316, y: 76, caption: [316, 140] },
  routes: {
    abroad: ["M84 152C84 214 200 190 200 262", "L200 366", "L200 452"],
    home: ["M316 152C316 214 200 190 200 262", "L200 366", "L200 452"],
  },
  trunk: { abroad: [16, 244], home: [388, 206] },
  fence: frontal(15, 32, 368, 336, [6, 7, 8]),
  opens: [-92, 0],
  sign: { x: 258, y: 244, size: 42, text: [388, 251] },
  proxy: [16, 360],
  softswitch: { x: 160, y: 366, width: 80, height: 66, caption: [256, 406] },
  service: { x: 72, y: 422 },
  size: 0.8,
};

// @sluice/qr-code: the smallest extension of an entity. Bundled into dist/plugin.mjs by `sluice plugin pack`.
import qrcode from 'qrcode-generator';

const MAX_TEXT = 500;

/** One path for all dark modules: a rectangle for each run in a row. */
function toSvg(code, size, margin) {
  const runs = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!code.isDark(y, x)) continue;
      const from = x;
      while (x < size && code.isDark(y, x)) x++;
      runs.push(`M${from + margin} ${y + margin}h${x - from}v1H${from + margin}z`);
    }
  }
  const side = size + 2 * margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${runs.join('')}"/></svg>`;
}

function toQrCode(text, margin) {
  if (text === '' || text.length > MAX_TEXT) throw new RangeError(`text: expected 1 to ${MAX_TEXT} characters`);
  if (margin < 0 || margin > 16) throw new RangeError('margin: expected 0 to 16');
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  return { text, size, svg: toSvg(code, size, margin) };
}

export default {
  resolvers: {
    Query: { qrCode: (_, { text, margin }) => toQrCode(text, margin) },
    File: { shareQr: ({ id }) => toQrCode(`/files/${id}`, 4) },
  },
};

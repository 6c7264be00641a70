// @sluice/text-statistics: one root field. Bundled into dist/plugin.mjs by `sluice plugin pack`.
export default {
  resolvers: {
    Query: {
      textStatistics: (_, { text }) => ({
        characters: [...text].length,
        words: text.match(/\S+/gu)?.length ?? 0,
        lines: text === '' ? 0 : text.replace(/\r?\n$/, '').split(/\r?\n/).length,
      }),
    },
  },
};

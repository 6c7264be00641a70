// Readmes come from plugin packages: their text is shown, never their HTML. A small part of Markdown, built as elements:
// headings, paragraphs, lists, quotes, fenced code, and inline code, emphasis, links to https.
import { type ReactNode, Fragment } from 'react';
import classes from './markdown.module.css';

const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\(https:\/\/[^\s)]+\))/;

export function Markdown({ text }: { text: string }): ReactNode {
  return (
    <div className={classes.markdown}>
      {toBlocks(text).map((block, index) => (
        <Fragment key={index}>{block}</Fragment>
      ))}
    </div>
  );
}

function toBlocks(text: string): ReactNode[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: ReactNode[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? '';
    const take = (matches: (line: string) => boolean): string[] => {
      const from = at;
      while (at < lines.length && matches(lines[at] ?? '')) at += 1;
      return lines.slice(from, at);
    };
    if (line.trim() === '') at += 1;
    else if (line.startsWith('```')) {
      at += 1;
      const code = take((each) => !each.startsWith('```'));
      at += 1;
      blocks.push(<pre tabIndex={0}>{code.join('\n')}</pre>);
    } else if (/^#{1,6} /.test(line)) {
      at += 1;
      blocks.push(toHeading(line));
    } else if (/^\s*[-*] /.test(line)) blocks.push(<ul>{toItems(take(isListLine))}</ul>);
    else if (/^\s*\d+\. /.test(line)) blocks.push(<ol>{toItems(take(isListLine))}</ol>);
    else if (line.startsWith('>'))
      blocks.push(
        <blockquote>
          {toInline(
            take((each) => each.startsWith('>'))
              .map((each) => each.replace(/^>\s?/, ''))
              .join(' '),
          )}
        </blockquote>,
      );
    else blocks.push(<p>{toInline(take((each) => each.trim() !== '' && !/^(#{1,6} |```|>|\s*[-*] )/.test(each)).join(' '))}</p>);
  }
  return blocks;
}

/** One level down: the page has its own first heading. */
function toHeading(line: string): ReactNode {
  const level = line.indexOf(' ');
  const text = toInline(line.slice(level + 1));
  return level === 1 ? <h2>{text}</h2> : <h3>{text}</h3>;
}

function isListLine(line: string): boolean {
  return /^\s*([-*]|\d+\.) /.test(line) || /^\s{2,}\S/.test(line);
}

function toItems(lines: readonly string[]): ReactNode[] {
  const items: string[] = [];
  for (const line of lines) {
    if (/^\s*([-*]|\d+\.) /.test(line)) items.push(line.replace(/^\s*([-*]|\d+\.) /, ''));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return items.map((item, index) => <li key={index}>{toInline(item)}</li>);
}

function toInline(text: string): ReactNode[] {
  return text.split(INLINE).map((part, index) => {
    if (index % 2 === 0) return part;
    if (part.startsWith('`')) return <code key={index}>{part.slice(1, -1)}</code>;
    if (part.startsWith('**')) return <strong key={index}>{part.slice(2, -2)}</strong>;
    if (part.startsWith('*')) return <em key={index}>{part.slice(1, -1)}</em>;
    const split = part.indexOf('](');
    return (
      <a key={index} href={part.slice(split + 2, -1)} rel="noopener noreferrer nofollow" target="_blank">
        {part.slice(1, split)}
      </a>
    );
  });
}

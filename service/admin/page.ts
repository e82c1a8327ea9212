/**
 * The page at `/`: where to send, where to query, and the rows of `process_health`, as plain HTML.
 * Owns markup and escaping; every text on it may have come over the wire.
 */

import { healthQuery } from './process-health.ts';
import { listSurfaces, type Surfaces } from './surfaces.ts';

/** The rows of process_health in order, or why there are none to show. */
export type Health = readonly Readonly<Record<string, unknown>>[] | { readonly unavailable: string };

const style =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color-scheme:light dark}' +
  'table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #8884}' +
  '.wide{overflow-x:auto}';

export function renderPage(surfaces: Surfaces, notReadyReasons: readonly string[], health: Health): string {
  const rows = listSurfaces(surfaces).map(
    ({ name, address }) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td><code>${escapeHtml(address)}</code></td></tr>`,
  );
  const ready = notReadyReasons.length === 0 ? 'Ready.' : `Not ready: ${escapeHtml(notReadyReasons.join('; '))}.`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>Finishline</title><style>${style}</style></head><body><h1>Finishline</h1><p>${ready}</p>`,
    `<h2>Surfaces</h2><table>${rows.join('')}</table>`,
    `<h2>process_health</h2><p><code>${escapeHtml(healthQuery)}</code></p>${healthTable(health)}</body></html>`,
  ].join('\n');
}

function healthTable(health: Health): string {
  if ('unavailable' in health) return `<p>Cannot be read now: ${escapeHtml(health.unavailable)}</p>`;
  const [first] = health;
  if (first === undefined)
    return '<p>No run yet. Send spans with <code>op=workflow</code> and <code>workflow.name</code>.</p>';
  const columns = Object.keys(first);
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join('');
  const rows = health.map((row) => `<tr>${columns.map((column) => `<td>${cell(row[column])}</td>`).join('')}</tr>`);
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3);
  return escapeHtml(typeof value === 'string' ? value : JSON.stringify(value));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

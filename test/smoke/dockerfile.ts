/**
 * The steps of a Dockerfile, and a builder that does them in a directory instead of a container.
 * Owns the few instructions that our Dockerfile has; an unknown one is an error, so that it cannot be overlooked.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { nodePath } from './running-service.ts';

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Image {
  /** Stands for `/` of the container. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  readonly ports: readonly string[];
}

interface Stage {
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string;
  command: string[];
  healthcheck: string[];
  readonly ports: string[];
}

export function parseDockerfile(text: string): Instruction[] {
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  return lines
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return { name, text: rest.join(' ').trim() };
    });
}

/**
 * Does the steps of every stage below `directory`, with the files of `context`; returns the last stage.
 * Absolute paths of the container (`/app`, `/data`) are directories below the stage's root.
 */
export function buildImage(instructions: readonly Instruction[], context: string, directory: string): Image {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') {
      const [, name = `stage-${stages.size}`] = / AS (\S+)$/i.exec(instruction.text) ?? [];
      stage = newStage(join(directory, name));
      stages.set(name, stage);
    } else {
      if (stage === undefined) throw new Error('a Dockerfile starts with FROM');
      doStep(instruction, stage, stages, context);
    }
  }
  if (stage === undefined) throw new Error('a Dockerfile starts with FROM');
  return stage;
}

/** Text of the container's world as text of the stage's directory. */
export function inRoot(image: { readonly root: string }, text: string): string {
  return text.replaceAll(/(?<![\w./:])\/(app|data)\b/g, (path) => join(image.root, path));
}

function newStage(root: string): Stage {
  mkdirSync(root, { recursive: true });
  return { root, workdir: '/', env: {}, user: '0:0', command: [], healthcheck: [], ports: [] };
}

function doStep(instruction: Instruction, stage: Stage, stages: ReadonlyMap<string, Stage>, context: string): void {
  const { name, text } = instruction;
  switch (name) {
    case 'WORKDIR':
      stage.workdir = text;
      mkdirSync(join(stage.root, text), { recursive: true });
      return;
    case 'COPY':
      copy(text, stage, stages, context);
      return;
    case 'RUN':
      runStep(text, stage);
      return;
    case 'ENV': {
      const [key = '', value = ''] = text.split('=', 2);
      stage.env[key] = value;
      return;
    }
    case 'USER':
      stage.user = text;
      return;
    case 'EXPOSE':
      stage.ports.push(...text.split(' '));
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(text.slice(text.indexOf('['))) as string[];
      return;
    case 'CMD':
      stage.command = JSON.parse(text) as string[];
      return;
    // Nothing to do without a container.
    case 'VOLUME':
    case 'STOPSIGNAL':
      return;
    default:
      throw new Error(`no step for ${name}`);
  }
}

function copy(text: string, stage: Stage, stages: ReadonlyMap<string, Stage>, context: string): void {
  const words = text.split(' ');
  const from = words[0]!.startsWith('--from=') ? stages.get(words.shift()!.slice('--from='.length))! : undefined;
  const target = posix.resolve(stage.workdir, words.pop()!);
  for (const word of words) {
    const source = from === undefined ? join(context, word) : join(from.root, word);
    const into = words.length > 1 || text.endsWith('./') ? join(target, basename(word)) : target;
    mkdirSync(dirname(join(stage.root, into)), { recursive: true });
    cpSync(source, join(stage.root, into), { recursive: true });
  }
}

/** With this machine's PATH and home, which is where npm finds the registry; an ordinary user owns what he makes. */
function runStep(text: string, stage: Stage): void {
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  const command = inRoot(stage, process.getuid?.() === 0 ? text : text.replaceAll('1000:1000', owner));
  const done = spawnSync('sh', ['-c', command], {
    cwd: join(stage.root, stage.workdir),
    env: { ...process.env, PATH: nodePath, ...stage.env },
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`RUN ${text}\n${done.stdout}\n${done.stderr}`);
}

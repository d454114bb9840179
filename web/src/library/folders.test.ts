import { expect, it } from 'vitest';
import { machineLike } from '../../../test/support/machine-like.ts';
import { folderAt, folderPage, foldersIn, pathTo } from './folders.ts';

const all = ['', 'work/web', 'work/web', 'work/db', 'work', 'workshop', 'lab10', 'lab2'].map((folder, at) =>
  machineLike({ name: `m${at}`, folder }),
);
const found = (outer: string) => foldersIn(all, outer).map(({ name, count }) => `${name} ${count}`);

it('finds the folders within a folder, with all that is in them', () => {
  expect(found('')).toEqual(['lab2 1', 'lab10 1', 'work 4', 'workshop 1']);
  expect(found('work')).toEqual(['db 1', 'web 2']);
  expect(found('work/web')).toEqual([]);
});

it('leads back from a folder', () => {
  expect(pathTo('work/web').map(({ path }) => path)).toEqual(['work', 'work/web']);
  expect(pathTo('')).toEqual([]);
});

it.each(['work/web', 'カメ', '100 %', '%41', 'a?b#c', 'a&b=c+d'])('has an address for %s', (folder) => {
  // What a browser keeps, and what the router decodes of it.
  const { hash } = new URL(`http://host/#${folderPage(folder)}`);
  expect(folderAt(decodeURI(hash.slice('#/folders/'.length)))).toBe(folder);
});

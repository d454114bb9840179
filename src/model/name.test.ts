import { describe, expect, it } from 'vitest';
import { KameError } from '../core/errors.ts';
import { checkMachineName } from './name.ts';

function faultOf(name: string): string {
  try {
    checkMachineName(name);
  } catch (error) {
    if (error instanceof KameError && error.code === 'INVALID_NAME') return error.message;
    throw error;
  }
  return '';
}

describe('checkMachineName', () => {
  it.each([
    'a',
    'demo',
    'Windows 11 (ARM)',
    'web-1.example_2',
    '7zip',
    '亀',
    'Übung',
    'x'.repeat(80),
    '亀'.repeat(73),
    'console',
    'a.com1',
  ])('accepts %j', (name) => {
    expect(faultOf(name)).toBe('');
  });

  it.each([
    ['', 'is empty'],
    ['x'.repeat(81), 'has 81 characters'],
    ['x'.repeat(300), 'has 300 characters'],
    ['亀'.repeat(80), 'has 240 bytes as a file name; at most 220 are allowed'],
    ['-rf', 'starts with a dash'],
    ['.hidden', 'does not start'],
    [' a', 'does not start'],
    ['a/b', 'contains "/"'],
    ['a\\b', 'contains "\\"'],
    ['..', 'does not start'],
    ['a..b', 'two dots'],
    ['a\nb', 'control character'],
    ['a\u0000b', 'control character'],
    ['a\u001B[31m', 'control character'],
    ['a\u202Eb', 'control character'],
    ['a\uD800', 'control character'],
    ['a:b', 'contains ":"'],
    ['a,b', 'contains ","'],
    ['a"b', 'contains """'],
    ['a.', 'ends with'],
    ['a ', 'ends with'],
    ['NUL', 'device name'],
    ['com1.vm', 'device name'],
    ['😀', 'does not start'],
  ])('refuses %j', (name, reason) => {
    expect(faultOf(name)).toContain(reason);
  });

  it('shows a long or dangerous name shortened and without control characters', () => {
    expect(faultOf(`a\u001B[2J${'x'.repeat(300)}`).length).toBeLessThan(200);
    expect(faultOf('a\u001B[2J')).not.toContain('\u001B');
  });
});

/** Families of guest systems that have a mark of their own. */
export const systems = ['linux', 'debian', 'ubuntu', 'fedora', 'windows', 'freebsd', 'other'] as const;
export type System = (typeof systems)[number];
